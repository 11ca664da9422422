/* What Ctrl K can run of the supply chain: its pages, an event that somebody heard of, what is not shown. */
import { router } from '../../app/router.svelte.ts';
import { scope } from '../../app/scope.svelte.ts';
import { session } from '../../app/session.svelte.ts';
import { supplyPages } from './pages.ts';

interface Command {
    label: string;
    kind: string;
    run: () => unknown;
}

export function supplyCommands(): Command[] {
    if (scope.tenant === '' || !scope.data)
        return [];
    const events = session.may('risks', 'read');
    return [
        ...supplyPages().map((p) => ({ label: `Supply chain: ${p.title}`, kind: 'Go to', run: () => router.go(router.link(p.path)) })),
        ...(events && session.may('risks', 'add') ? [{ label: 'Type an event', kind: 'Supply chain', run: () => router.go(router.link('/supply/events', { new: 1 })) }] : []),
        ...(events ? [{ label: 'Events that were muted', kind: 'Supply chain', run: () => router.go(router.link('/supply/events', { state: 'muted' })) }] : []),
        ...(session.may('cases', 'add') ? [{ label: 'New case', kind: 'Supply chain', run: () => router.go(router.link('/supply/cases', { new: 1 })) }] : [])
    ];
}
