import { defineConfig } from 'vite';
import { svelte } from '@sveltejs/vite-plugin-svelte';

/* What tools/web calls. Every file is a file: nothing is inlined, because the policy allows no data: script or style. */
export default defineConfig({
    base: '/',
    plugins: [
        svelte({
            onwarn(warning) {
                throw new Error(`${warning.filename}: ${warning.message} (${warning.code})`);
            },
        }),
    ],
    build: {
        outDir: process.env.FAIRLEAD_WEB_OUT ?? '../build/web',
        emptyOutDir: true,
        target: 'es2022',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        manifest: 'manifest.json',
        reportCompressedSize: false,
        sourcemap: false,
    },
});
