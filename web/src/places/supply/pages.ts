/* The pages of the supply chain: one row each. What is not built is not here. */
import type { Component } from 'svelte';
import { session } from '../../app/session.svelte.ts';

export interface SupplyPage {
    path: string;
    title: string;
    needs: [object: string, verb: string];
    load: () => Promise<{ default: Component }>;
}

const pages: SupplyPage[] = [
    { path: '/supply/events', title: 'Events', needs: ['risks', 'read'], load: () => import('./Events.svelte') },
    { path: '/supply/cases', title: 'Cases', needs: ['cases', 'read'], load: () => import('./Cases.svelte') },
    { path: '/supply/graph', title: 'Network graph', needs: ['supply', 'read'], load: () => import('./Graph.svelte') },
    { path: '/supply/exposure', title: 'Exposure', needs: ['supply', 'read'], load: () => import('./Exposure.svelte') },
    { path: '/supply/drills', title: 'Drills', needs: ['drills', 'read'], load: () => import('./Drills.svelte') },
    { path: '/supply/scores', title: 'Scores', needs: ['supply', 'read'], load: () => import('./Scores.svelte') },
    { path: '/supply/import', title: 'Import', needs: ['supply', 'add'], load: () => import('./Import.svelte') },
];

export function supplyPages(): SupplyPage[] {
    return pages.filter((p) => session.may(...p.needs));
}
