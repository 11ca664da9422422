/*
 * Server-sent events over fetch: unlike EventSource it tells why a stream was refused, and resumes
 * by Last-Event-ID from a cursor that the caller chose. It does not move the idle clock.
 */
export interface ServerEvent {
    readonly type: string;
    readonly id: string;
    readonly data: string;
}

/* Pieces of a stream to events (WHATWG HTML, 9.2.6). At most 1 MiB may wait for its end. */
export class EventParser {
    private rest = '';
    private type = '';
    private data: string[] = [];
    lastId = '';

    push(piece: string): ServerEvent[] {
        const out: ServerEvent[] = [];
        this.rest += piece;
        if (this.rest.length > 1 << 20)
            throw new Error('the stream sent a line of more than 1 MiB');
        let end: number;
        while ((end = this.rest.search(/\r\n|\n|\r(?!$)/)) >= 0) {
            const line = this.rest.slice(0, end);
            this.rest = this.rest.slice(end + (this.rest.startsWith('\r\n', end) ? 2 : 1));
            const event = this.line(line);
            if (event !== null)
                out.push(event);
        }
        return out;
    }

    private line(line: string): ServerEvent | null {
        if (line === '')
            return this.dispatch();
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'event')
            this.type = value;
        else if (name === 'data')
            this.data.push(value);
        else if (name === 'id' && !value.includes('\0'))
            this.lastId = value;
        return null;
    }

    private dispatch(): ServerEvent | null {
        const event = { type: this.type || 'message', id: this.lastId, data: this.data.join('\n') };
        const empty = this.data.length === 0;
        this.type = '';
        this.data = [];
        return empty ? null : event;
    }
}

export type StreamState = 'opening' | 'open' | 'waiting' | 'refused' | 'closed';

export interface StreamHandlers {
    event(event: ServerEvent): void;
    state(state: StreamState, why: string): void;
}

const WAIT_FIRST_MS = 1000;
const WAIT_MOST_MS = 30_000;
const SILENCE_MS = 45_000; /* three heartbeats */

async function refusal(response: Response): Promise<string> {
    try {
        const problem = await response.json() as { detail?: string; title?: string };
        return problem.detail ?? problem.title ?? `the server answered ${response.status}`;
    } catch {
        return `the server answered ${response.status}`;
    }
}

/* A stream that comes back by itself until close(); 4xx is final, anything else is tried again. */
export class Stream {
    private stopped = false;
    private abort = new AbortController();
    private wait_ms = WAIT_FIRST_MS;
    private readonly url: string;
    private readonly handlers: StreamHandlers;
    cursor: string;

    constructor(url: string, cursor: string, handlers: StreamHandlers) {
        this.url = url;
        this.cursor = cursor;
        this.handlers = handlers;
        void this.run();
    }

    close(): void {
        this.stopped = true;
        this.abort.abort();
    }

    private async run(): Promise<void> {
        while (!this.stopped) {
            const why = await this.once();
            if (this.stopped || why === null)
                return;
            this.handlers.state('waiting', why);
            await new Promise((done) => setTimeout(done, this.wait_ms));
            this.wait_ms = Math.min(this.wait_ms * 2, WAIT_MOST_MS);
        }
    }

    /* One connection; why it ended, null when it shall not be tried again. */
    private async once(): Promise<string | null> {
        this.abort = new AbortController();
        this.handlers.state('opening', '');
        try {
            const headers: Record<string, string> = { Accept: 'text/event-stream' };
            if (this.cursor !== '')
                headers['Last-Event-ID'] = this.cursor;
            const response = await fetch(this.url, { headers, signal: this.abort.signal, cache: 'no-store' });
            if (!response.ok || response.body === null) {
                const why = await refusal(response);
                if (response.status >= 400 && response.status < 500 && response.status !== 429) {
                    this.handlers.state('refused', why);
                    return null;
                }
                return why;
            }
            this.handlers.state('open', '');
            await this.read(response.body);
            return 'the server ended the stream';
        } catch (error) {
            return error instanceof Error && error.name !== 'AbortError' ? error.message : 'the connection was silent';
        }
    }

    /* The server says why it ends, and whether coming again makes sense. */
    private ended(data: string): void {
        const end = JSON.parse(data) as { reason?: string; again?: boolean };
        if (end.again !== false || this.stopped)
            return;
        this.stopped = true;
        this.handlers.state('refused', end.reason ?? 'the server ended the stream');
    }

    private async read(body: ReadableStream<Uint8Array>): Promise<void> {
        const parser = new EventParser();
        const decoder = new TextDecoder();
        const reader = body.getReader();
        let watch = setTimeout(() => this.abort.abort(), SILENCE_MS);
        try {
            for (;;) {
                const { value, done } = await reader.read();
                if (done)
                    return;
                clearTimeout(watch);
                watch = setTimeout(() => this.abort.abort(), SILENCE_MS);
                for (const event of parser.push(decoder.decode(value, { stream: true }))) {
                    this.wait_ms = WAIT_FIRST_MS;
                    if (event.id !== '')
                        this.cursor = event.id;
                    if (event.type === 'end')
                        this.ended(event.data);
                    else
                        this.handlers.event(event);
                }
            }
        } finally {
            clearTimeout(watch);
        }
    }
}
