/* The sub-pages of Admin that the session may open. */
import type { Component } from 'svelte';
import { session } from '../../app/session.svelte.ts';

export interface AdminPage {
    path: string;
    title: string;
    shows: () => boolean;
    load: () => Promise<{ default: Component }>;
}

const may = (object: string, verb = 'read') => () => session.may(object, verb);

const pages: AdminPage[] = [
    { path: '/admin/tenants', title: 'Tenants', shows: may('tenants'), load: () => import('./Tenants.svelte') },
    { path: '/admin/users', title: 'Users', shows: may('users'), load: () => import('./Users.svelte') },
    { path: '/admin/roles', title: 'Roles', shows: may('roles'), load: () => import('./Roles.svelte') },
    { path: '/admin/tokens', title: 'API tokens', shows: may('tokens'), load: () => import('./Tokens.svelte') },
    { path: '/admin/grants', title: 'Grants', shows: may('grants'), load: () => import('./Grants.svelte') },
    { path: '/admin/sites', title: 'Sites', shows: may('sites'), load: () => import('./Sites.svelte') },
    { path: '/admin/devices', title: 'Device certificates', shows: may('devices'), load: () => import('./Devices.svelte') },
    { path: '/admin/onboarding', title: 'Onboarding', shows: may('devices', 'add'), load: () => import('./Onboarding.svelte') },
    { path: '/admin/retention', title: 'Retention', shows: () => session.may('retention', 'set') || session.may('logs', 'purge'), load: () => import('./Retention.svelte') },
    { path: '/admin/erasure', title: 'Erasure', shows: () => session.may('logs', 'purge') || session.may('events', 'read'), load: () => import('./Erasure.svelte') },
    { path: '/admin/feeds', title: 'Feeds', shows: may('feeds'), load: () => import('./Feeds.svelte') },
    { path: '/admin/audit', title: 'Audit log', shows: may('events'), load: () => import('./Audit.svelte') },
    { path: '/admin/system', title: 'System', shows: may('health'), load: () => import('./System.svelte') },
];

export function adminPages(): AdminPage[] {
    return pages.filter((p) => p.shows());
}
