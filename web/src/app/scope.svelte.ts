/* Which tenant and site the pages are about: the parameters `tenant` and `site` of the address. */
import { all, type Form } from '../lib/data/client.ts';
import { recall, remember } from '../lib/data/keep.ts';
import { router } from './router.svelte.ts';
import { session } from './session.svelte.ts';

class Scope {
    /** The tenant in sight; '' when none may be seen. */
    tenant = $derived(pick(router.get('tenant')));
    name = $derived(session.tenants.find((t) => t.slug === this.tenant)?.name || this.tenant);
    /** '' stands for all sites. */
    site = $derived(router.get('site'));
    sites = $state<Form<'Site'>[]>([]);
    siteName = $derived(this.sites.find((s) => s.slug === this.site)?.name || this.site);
    /** May this session see the tenant's logs, or only its set-up? */
    data = $derived(session.tenants.find((t) => t.slug === this.tenant)?.data ?? false);

    async loadSites(): Promise<void> {
        const tenant = this.tenant;
        const sites = tenant && session.may('sites', 'read')
            ? await all('/tenants/{t}/sites', { path: { t: tenant }, poll: true }).then((l) => l.items, () => []) : [];
        if (tenant === this.tenant) this.sites = sites;
    }

    choose(tenant: string, site = ''): void {
        remember('tenant', tenant);
        router.set({ tenant, site, pick: null, device: null }, false);
    }
}

function pick(asked: string): string {
    const known = session.tenants;
    if (asked && known.some((t) => t.slug === asked)) return asked;
    const last = recall('tenant', '');
    return known.some((t) => t.slug === last) ? last : (known[0]?.slug ?? '');
}

export const scope = new Scope();
