import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/* Warnings of the compiler (accessibility among them) end the build. */
export default {
    preprocess: vitePreprocess(),
    compilerOptions: { runes: true },
};
