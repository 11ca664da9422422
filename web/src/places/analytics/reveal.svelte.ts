/* Personal data is masked until somebody states a purpose; then it shows for a while, and everybody can see that it does. */
import { scope } from '../../app/scope.svelte.ts';
import { session } from '../../app/session.svelte.ts';
import { endReveal, reveal, type Reveal } from '../../lib/data/logs.ts';

type Purpose = Parameters<typeof reveal>[1];

class Revealing {
    until = $state<string | null>(null);
    asking = $state(false);
    /* Counts the changes, so that what shows people is fetched anew. */
    turn = $state(0);
    may = $derived(session.may('personal', 'reveal'));
    /* Roles that read personal data without a purpose see it always. */
    open = $derived(this.until !== null || session.may('personal', 'read'));

    /* The session tells until when, also after the page was loaded anew. */
    take(): void {
        const until = session.data?.reveal_until ?? null;
        const next = until !== null && Date.parse(until) > Date.now() ? until : null;
        if (next !== this.until) {
            this.until = next;
            this.turn++;
        }
    }

    async begin(purpose: Purpose, ticket: string, minutes: number): Promise<void> {
        await reveal(scope.tenant, purpose, ticket, minutes);
        await session.refresh();
        this.take();
    }

    async end(): Promise<void> {
        await endReveal(scope.tenant);
        await session.refresh();
        this.take();
    }
}

export const revealing = new Revealing();
export type { Purpose, Reveal };
