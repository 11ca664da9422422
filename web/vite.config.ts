import { defineConfig, type Plugin } from 'vite';
import { quantize } from 'topojson-client';
import type { Topology } from 'topojson-specification';
import { svelte } from '@sveltejs/vite-plugin-svelte';

/* 10 000 steps across the world are finer than the map draws; with names and ids left out it weighs a third less. */
const STEPS = 10_000;

function coarser(text: string): string {
    const map = JSON.parse(text) as Topology;
    const { scale, translate } = map.transform!;
    const arcs = map.arcs.map((arc) => {
        let x = 0, y = 0;
        return arc.map(([dx = 0, dy = 0]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
    });
    const { transform: _, ...rest } = map;
    const out = quantize({ ...rest, arcs } as unknown as Parameters<typeof quantize>[0], STEPS);
    for (const object of Object.values(out.objects as Topology['objects'])) {
        if (object.type !== 'GeometryCollection') continue;
        for (const geometry of object.geometries) {
            delete geometry.properties;
            delete geometry.id;
        }
    }
    return JSON.stringify(out);
}

const lighterMap: Plugin = {
    name: 'lighter-map',
    generateBundle(_, bundle) {
        for (const file of Object.values(bundle)) {
            if (file.type !== 'asset' || !/countries-110m.*\.json$/.test(file.fileName)) continue;
            file.source = coarser(typeof file.source === 'string' ? file.source : new TextDecoder().decode(file.source));
        }
    },
};

/* What tools/web calls. Every file is a file: nothing is inlined, because the policy allows no data: script or style. */
export default defineConfig({
    base: '/',
    plugins: [
        lighterMap,
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
        /* The page on which suppliers answer stands alone: no session, no shell. */
        rollupOptions: { input: ['index.html', 'answer.html'] },
    },
});
