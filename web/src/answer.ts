import './tokens/color.css';
import './tokens/type.css';
import './tokens/shell.css';
import './tokens/parts.css';
import { mount } from 'svelte';
import { theme } from './app/theme.svelte.ts';
import Answer from './places/answer/Answer.svelte';

theme.apply();
mount(Answer, { target: document.getElementById('app')! });
