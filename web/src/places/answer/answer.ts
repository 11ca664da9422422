/* The one question and its one answer, over the link in the address: no session, no cookie, nothing kept. */
import type { Form } from '../../lib/data/client.ts';
import { Problem } from '../../lib/data/problem.ts';

export type Page = Form<'AnswerPage'>;
export type Given = Form<'AnswerNew'>;

/** "/answer/abc" -> "abc"; anything else -> "". */
export function tokenOf(path: string): string {
    return /^\/answer\/([\w-]+)\/?$/.exec(path)?.[1] ?? '';
}

async function ask(token: string, language: string, init: RequestInit): Promise<Page> {
    const where = `/api/v1/answers/${encodeURIComponent(token)}${language ? `?language=${encodeURIComponent(language)}` : ''}`;
    let response;
    try {
        response = await fetch(where, { credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', ...init });
    } catch {
        throw new Problem(0);
    }
    const body = await response.json().catch(() => ({}));
    if (!response.ok)
        throw new Problem(response.status, body as object);
    return body as Page;
}

export const read = (token: string, language: string): Promise<Page> => ask(token, language, { headers: { Accept: 'application/json' } });

export const give = (token: string, language: string, answer: Given): Promise<Page> =>
    ask(token, language, { method: 'POST', headers: { Accept: 'application/json', 'Content-Type': 'application/json' }, body: JSON.stringify(answer) });

/** "14" and "14,5" -> a number; "" -> null (nobody can say yet); else NaN. */
export function daysOf(text: string): number | null {
    const t = text.trim().replace(',', '.');
    return t === '' ? null : /^\d+(\.\d+)?$/.test(t) ? Number(t) : NaN;
}
