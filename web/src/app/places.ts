/* The places of the application: one row each. What is not built is not here. */
import type { Component } from 'svelte';

export interface Place {
    path: string;
    title: string;
    /** The right without which the place does not show. */
    needs: [object: string, verb: string] | null;
    load: () => Promise<{ default: Component }>;
}

export const places: Place[] = [
    { path: '/overview', title: 'Overview', needs: null, load: () => import('../places/overview/Overview.svelte') },
    { path: '/analytics', title: 'Analytics', needs: ['logs', 'read'], load: () => import('../places/analytics/Analytics.svelte') },
    { path: '/supply', title: 'Supply chain', needs: ['supply', 'read'], load: () => import('../places/supply/Supply.svelte') },
    { path: '/admin', title: 'Admin', needs: null, load: () => import('../places/admin/Admin.svelte') },
];

/** Pages that stand in no menu. */
export const pages: Place[] = [
    { path: '/profile', title: 'Your profile', needs: null, load: () => import('../places/profile/Profile.svelte') },
];

export function placeOf(path: string): Place | undefined {
    return [...places, ...pages].find((p) => path === p.path || path.startsWith(`${p.path}/`));
}
