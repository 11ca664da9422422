/* Something that is fetched: its value, its error, and a way to fetch it anew. Late answers of older requests are dropped. */
export class Load<T> {
    value = $state.raw<T | undefined>();
    error = $state.raw<unknown>();
    busy = $state(false);
    private turn = 0;
    private readonly fetch: (signal: AbortSignal) => Promise<T>;
    private abort = new AbortController();

    constructor(fetch: (signal: AbortSignal) => Promise<T>) {
        this.fetch = fetch;
    }

    /** `quiet` keeps what is shown until the new value is there. */
    async run(quiet = true): Promise<void> {
        const turn = ++this.turn;
        this.abort.abort();
        this.abort = new AbortController();
        this.busy = true;
        if (!quiet) this.value = undefined;
        try {
            const value = await this.fetch(this.abort.signal);
            if (turn !== this.turn) return;
            this.value = value;
            this.error = undefined;
        } catch (error) {
            if (turn !== this.turn || (error instanceof Error && error.name === 'AbortError')) return;
            this.error = error;
            if (!quiet) this.value = undefined;
        } finally {
            if (turn === this.turn) this.busy = false;
        }
    }

    stop(): void {
        this.turn++;
        this.abort.abort();
    }
}
