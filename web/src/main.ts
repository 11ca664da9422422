import './tokens/color.css';
import './tokens/type.css';
import './tokens/shell.css';
import './tokens/parts.css';
import { mount } from 'svelte';
import { theme } from './app/theme.svelte.ts';
import App from './app/App.svelte';

theme.apply();
mount(App, { target: document.getElementById('app')! });
