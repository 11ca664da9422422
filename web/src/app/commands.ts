/* What Ctrl K can run: places, sub-pages, tenants, theme, sign-out. Places add their own with addCommands(). */
import { adminPages } from '../places/admin/pages.ts';
import { seeCommands } from '../places/analytics/commands.svelte.ts';
import { supplyCommands } from '../places/supply/commands.ts';
import { places } from './places.ts';
import { router } from './router.svelte.ts';
import { scope } from './scope.svelte.ts';
import { session } from './session.svelte.ts';
import { theme } from './theme.svelte.ts';

export interface Command {
    label: string;
    kind: string;
    run: () => unknown;
}

const sources: (() => Command[])[] = [];

/** A place's own commands; the function is asked each time the palette opens. */
export function addCommands(source: () => Command[]): void {
    sources.push(source);
}

export function allCommands(): Command[] {
    const open = places.filter((p) => !p.needs || session.may(...p.needs));
    return [
        ...open.map((p) => ({ label: p.title, kind: 'Go to', run: () => router.go(router.link(p.path)) })),
        ...adminPages().map((p) => ({ label: `Admin: ${p.title}`, kind: 'Go to', run: () => router.go(router.link(p.path)) })),
        { label: 'Your profile', kind: 'Go to', run: () => router.go(router.link('/profile')) },
        ...seeCommands(),
        ...supplyCommands(),
        ...sources.flatMap((source) => source()),
        ...session.tenants.filter((t) => t.slug !== scope.tenant).map((t) => ({ label: t.name || t.slug, kind: 'Tenant', run: () => scope.choose(t.slug) })),
        ...scope.sites.map((s) => ({ label: s.name || s.slug, kind: 'Site', run: () => scope.choose(scope.tenant, s.slug) })),
        { label: theme.dark ? 'Light theme' : 'Dark theme', kind: 'Screen', run: () => theme.toggle() },
        { label: 'API reference', kind: 'Open', run: () => location.assign('/docs/') },
        { label: 'Sign out', kind: 'Session', run: () => session.signOut() },
    ];
}

/** Commands that hold all the words, those that begin with the text first. */
export function matching(commands: Command[], text: string): Command[] {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const hit = commands.filter((c) => words.every((w) => `${c.kind} ${c.label}`.toLowerCase().includes(w)));
    const begins = (c: Command) => (c.label.toLowerCase().startsWith(text.toLowerCase()) ? 0 : 1);
    return hit.sort((a, b) => begins(a) - begins(b));
}
