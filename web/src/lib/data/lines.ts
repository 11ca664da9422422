/* Answers that come line by line (NDJSON): long work on the log store, receipts. */
import { API, hooks } from './client.ts';
import { Problem } from './problem.ts';

const LINE_MAX = 4 << 20;

async function refuse(response: Response): Promise<never> {
    let body = {};
    try {
        body = await response.json();
    } catch {
        /* the status says enough */
    }
    const problem = new Problem(response.status, body);
    if (response.status === 401 && problem.code === 'sign_in') hooks.lost();
    throw problem;
}

export interface LineOptions {
    query?: Record<string, string | number | boolean | undefined>;
    body?: unknown;
    signal?: AbortSignal;
    poll?: boolean;
}

/** Each line of the answer as an object, as it arrives. `path` is below /api/v1, with its parameters filled in. */
export async function* lines(method: 'GET' | 'POST', path: string, options: LineOptions = {}): AsyncGenerator<Record<string, any>> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options.query ?? {})) if (value !== undefined) query.set(name, String(value));
    const headers: Record<string, string> = { Accept: 'application/x-ndjson' };
    if (!options.poll) headers['Fairlead-Activity'] = 'user';
    if (method !== 'GET') headers['X-CSRF-Token'] = hooks.csrf();
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';
    let response: Response;
    try {
        response = await fetch(`${API}${path}${query.size ? `?${query}` : ''}`,
            { method, headers, body: options.body === undefined ? undefined : JSON.stringify(options.body), signal: options.signal });
    } catch (error) {
        if (error instanceof Error && error.name === 'AbortError') throw error;
        throw new Problem(0);
    }
    if (!response.ok || !response.body) await refuse(response);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    try {
        for (;;) {
            const { value, done } = await reader.read();
            rest += value ?? '';
            const parts = rest.split('\n');
            rest = done ? '' : (parts.pop() ?? '');
            if (rest.length > LINE_MAX) throw new Problem(502, { detail: 'A line of the answer is longer than it may be.' });
            for (const part of parts) if (part.trim()) yield JSON.parse(part);
            if (done) return;
        }
    } finally {
        reader.cancel().catch(() => {});
    }
}

export interface Progress {
    done: number;
    total: number;
    unit: string;
    at?: string;
}

/** Long work: progress as it goes, then its result. */
export async function job(path: string, body: unknown, tell: (progress: Progress) => void, signal?: AbortSignal): Promise<Record<string, any>> {
    let result: Record<string, any> | undefined;
    for await (const line of lines('POST', path, { body, signal })) {
        if (line.progress) tell(line.progress as Progress);
        if (line.result) result = line.result as Record<string, any>;
        if (line.error) throw new Problem(500, { detail: line.error.detail ?? line.error.text ?? String(line.error) });
    }
    if (!result) throw new Problem(502, { detail: 'The work ended without a result: its end is in the journal of fairleadd. What was done until then stands.' });
    return result;
}
