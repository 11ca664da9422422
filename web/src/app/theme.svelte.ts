/* Light or dark: what the system wants until somebody chooses; the choice is kept in this browser. */
import { recall, remember } from '../lib/data/keep.ts';

type Choice = 'system' | 'light' | 'dark';

const wantsDark = matchMedia('(prefers-color-scheme: dark)');

class Theme {
    choice = $state<Choice>(recall('theme', 'system') as Choice);
    system = $state(wantsDark.matches);
    dark = $derived(this.choice === 'system' ? this.system : this.choice === 'dark');

    constructor() {
        wantsDark.addEventListener('change', (event) => {
            this.system = event.matches;
            this.apply();
        });
    }

    apply(): void {
        document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
    }

    toggle(): void {
        this.choice = this.dark ? 'light' : 'dark';
        remember('theme', this.choice);
        this.apply();
    }
}

export const theme = new Theme();
