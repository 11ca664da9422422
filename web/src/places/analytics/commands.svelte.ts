/* What Ctrl K can run of Overview and Analytics: sub-pages, periods, saved searches. */
import { router } from '../../app/router.svelte.ts';
import { scope } from '../../app/scope.svelte.ts';
import { session } from '../../app/session.svelte.ts';
import { all, ask } from '../../lib/data/client.ts';
import { formatLast, PERIODS } from '../../lib/data/urlstate.ts';
import { toast } from '../../lib/ui/toast.svelte.ts';
import { valueText, viewOf, type Search } from './searches.ts';

interface Command {
    label: string;
    kind: string;
    run: () => unknown;
}

const FRESH_MS = 20_000;
const PAGES = [['Applications', 'applications'], ['Websites', 'websites'], ['Users', 'users'], ['Log explorer', 'logs'], ['Saved searches', 'searches']] as const;
const WORDS: Readonly<Record<string, string>> = { '1 h': 'Last hour', '24 h': 'Last 24 hours', '7 d': 'Last 7 days', '14 d': 'Last 14 days', '30 d': 'Last 30 days' };

/* The saved searches as they were when they were last asked for; the list of commands follows them. */
class Saved {
    list = $state.raw<Search[]>([]);
    private of = '';
    private at_ms = 0;

    look(): void {
        const tenant = scope.tenant;
        if (tenant === '' || !session.may('searches', 'read') || (this.of === tenant && Date.now() - this.at_ms < FRESH_MS))
            return;
        this.at_ms = Date.now();
        this.of = tenant;
        all('/tenants/{t}/searches', { path: { t: tenant }, poll: true }).then((l) => { if (this.of === tenant) this.list = l.items; }, () => (this.of = ''));
    }

    of_tenant(tenant: string): Search[] {
        const list = this.list; /* read in any case: whoever shows it follows it */
        return this.of === tenant ? list : [];
    }
}

const saved = new Saved();

function open(s: Search): void {
    const { path, query } = viewOf(s);
    router.go(router.link(path, query));
}

async function run(s: Search): Promise<void> {
    const { data } = await ask('POST', '/tenants/{t}/searches/{q}/run', { path: { t: scope.tenant, q: s.id } });
    toast.ok(`${s.name}: ${data.value === null ? 'no value' : valueText(s.metric, data.value)}.`);
}

/* A period goes to the page that is open, where that has one. */
function period(last_ms: number): void {
    const here = router.path === '/overview' || /^\/analytics\/(applications|websites|users|logs)$/.test(router.path);
    const query = { last: formatLast(last_ms), from: null, to: null, bf: null, bt: null };
    if (here)
        router.set(query, false);
    else
        router.go(router.link('/analytics/applications', { last: query.last }));
}

export function seeCommands(): Command[] {
    if (scope.tenant === '')
        return [];
    const logs = scope.data && session.may('logs', 'read');
    queueMicrotask(() => saved.look());
    return [
        ...(logs ? PAGES.filter(([, p]) => p !== 'searches' || session.may('searches', 'read')).map(([title, p]) => ({ label: `Analytics: ${title}`, kind: 'Go to', run: () => router.go(router.link(`/analytics/${p}`)) })) : []),
        ...(logs ? [{ label: 'Live tail', kind: 'Go to', run: () => router.go(router.link('/analytics/logs', { last: '1h', tail: 1 })) }] : []),
        ...(session.may('alarms', 'read') ? [{ label: 'Alarms without an owner', kind: 'Go to', run: () => router.go(router.link('/overview', { who: 'none' })) }] : []),
        ...(logs ? PERIODS.map((p) => ({ label: WORDS[p.label] ?? p.label, kind: 'Period', run: () => period(p.last_ms) })) : []),
        ...(scope.site === '' ? [] : [{ label: 'All sites', kind: 'Site', run: () => scope.choose(scope.tenant) }]),
        ...saved.of_tenant(scope.tenant).flatMap((s) => [
            { label: s.name, kind: 'Open saved search', run: () => open(s) },
            ...(session.may('searches', 'run') ? [{ label: s.name, kind: 'Run saved search', run: () => run(s) }] : [])
        ])
    ];
}
