/* Who is signed in, how far the sign-in is, what they may, and how long the session still lasts. */
import { ask, get, hooks, type Form } from '../lib/data/client.ts';
import { Problem } from '../lib/data/problem.ts';

export type Stage = 'unknown' | 'out' | 'code' | 'password' | 'enrol' | 'codes' | 'open' | 'down';

const ACTIVE_EVERY_MS = 60_000;
const WARN_MS = 60_000;

class Session {
    stage = $state<Stage>('unknown');
    data = $state<Form<'Session'> | null>(null);
    /** Why the sign-in shows: '' on a first visit. */
    why = $state('');
    /** Recovery codes, shown once after the enrolment. */
    codes = $state<string[]>([]);
    /** Seconds until the session ends for want of activity; null while that is far. */
    leaving = $state<number | null>(null);

    user = $derived(this.data?.user ?? null);
    operator = $derived(!!this.data?.user && this.data.user.tenant === null);
    tenants = $derived(this.data?.tenants ?? []);

    /** By how much the server's clock is ahead of this one. */
    private ahead = 0;
    private idleUntil = 0;
    private touched = 0;
    private told = 0;
    private refreshing = false;

    constructor() {
        hooks.csrf = () => this.data?.csrf ?? '';
        hooks.lost = () => this.lose('Your session has ended. Sign in again; you come back to this page.');
        hooks.time = (ms) => { if (!Number.isNaN(ms)) this.ahead = ms - Date.now(); };
        for (const name of ['pointerdown', 'keydown', 'wheel'] as const) {
            addEventListener(name, () => (this.touched = Date.now()), { passive: true, capture: true });
        }
        setInterval(() => this.tick(), 1000);
    }

    may(object: string, verb: string): boolean {
        return this.data?.rights?.[object]?.includes(verb) ?? false;
    }

    /** Ask the server who is signed in. */
    async begin(): Promise<void> {
        try {
            this.take(await get('/session', { poll: true }));
        } catch (error) {
            if (error instanceof Problem && error.status === 401) this.stage = 'out';
            else {
                this.stage = 'down';
                setTimeout(() => this.stage === 'down' && this.begin(), 3000);
            }
        }
    }

    /** An answer of a step of the sign-in. */
    take(data: Form<'Session'>): void {
        this.data = { ...this.data, ...data };
        this.idleUntil = data.idle_until ? Date.parse(data.idle_until) : this.idleUntil;
        this.leaving = null;
        this.why = '';
        if (data.recovery_codes?.length) {
            this.codes = data.recovery_codes;
            this.stage = 'codes';
        } else this.stage = data.stage;
        this.told = Date.now();
    }

    /** The recovery codes are kept: go on to where the server says. */
    async kept(): Promise<void> {
        this.codes = [];
        await this.begin();
    }

    lose(why: string): void {
        if (this.stage === 'out') return;
        this.why = this.stage === 'unknown' || this.stage === 'down' ? '' : why; // a first visit needs no explanation
        this.stage = 'out';
        this.data = null;
        this.leaving = null;
    }

    async signOut(): Promise<void> {
        try {
            await ask('DELETE', '/session');
        } catch (error) {
            if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 0)) throw error;
        }
        this.lose('You are signed out.');
    }

    /** "I am still here." */
    async stay(): Promise<void> {
        this.take((await ask('POST', '/session/active')).data);
    }

    /** Fetch rights and tenants anew, after an edit of one's own. */
    async refresh(): Promise<void> {
        this.take(await get('/session', { poll: true }));
    }

    private async tick(): Promise<void> {
        if (this.stage !== 'open' || !this.idleUntil || this.refreshing) return;
        const now = Date.now();
        const left = (): number => this.idleUntil - Date.now() - this.ahead;
        this.refreshing = true;
        try {
            if (this.leaving === null && this.touched > this.told && now - this.told > ACTIVE_EVERY_MS) await this.stay();
            else if (left() < WARN_MS && this.leaving === null) {
                await this.refresh(); // requests of this or another window may have moved the end
                if (left() < WARN_MS) this.leaving = Math.max(0, Math.ceil(left() / 1000));
            } else if (this.leaving !== null) {
                this.leaving = Math.max(0, Math.ceil(left() / 1000));
                if (left() <= 0) this.lose('You were signed out because nothing happened for a while. Sign in again; you come back to this page.');
            }
        } catch {
            /* the request itself tells what is wrong; a lost session goes to the sign-in */
        } finally {
            this.refreshing = false;
        }
    }
}

export const session = new Session();
