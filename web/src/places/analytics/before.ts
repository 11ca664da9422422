/* The same time whole weeks earlier, to compare with: weekdays are alike, and the two never overlap. */
import { DAY_MS, type Span } from '../../lib/data/urlstate.ts';
import { number } from '../../lib/data/format.ts';
import type { Series } from '../../lib/viz/stack.ts';

const WEEK_MS = 7 * DAY_MS;
const GRAIN_MS = 60_000;
const LATE = 0.1; /* a first tenth without lines may be a quiet night; more means that nothing was logged yet */

export interface Before {
    readonly span: Span;
    readonly weeks: number;
}

/* What of a span is over, `weeks` earlier. */
export function before(span: Span, now_ms: number): Before {
    const weeks = Math.max(1, Math.ceil((span.to_ms - span.from_ms) / WEEK_MS));
    const to_ms = Math.max(span.from_ms + GRAIN_MS, Math.min(span.to_ms, Math.floor(now_ms / GRAIN_MS) * GRAIN_MS));
    return { weeks, span: { from_ms: span.from_ms - weeks * WEEK_MS, to_ms: to_ms - weeks * WEEK_MS } };
}

export function beforeWords(weeks: number): string {
    return weeks === 1 ? 'a week before' : `${weeks} weeks before`;
}

/* All lines of a series as one. */
export function whole(series: Series): number[] {
    const length = Math.max(0, ...series.lines.map((l) => l.values.length));
    return Array.from({ length }, (_, i) => series.lines.reduce((n, l) => n + (l.values[i] ?? 0), 0));
}

/* Was there something from the beginning on? Half a week would make a comparison that lies. */
export function covers(series: Series): boolean {
    const all = whole(series);
    const first = all.findIndex((v) => v > 0);
    return first >= 0 && first <= Math.max(1, all.length * LATE);
}

/* "+12 %", "−3 %", "×14", "new", and "" where there is nothing on both sides. */
export function change(now: number, then: number): string {
    if (then <= 0)
        return now > 0 ? 'new' : '';
    const by = (now - then) / then;
    if (by >= 9)
        return `×${number(now / then)}`;
    const text = number(Math.abs(by) * 100);
    return text === '0' ? '0\u00a0%' : `${by > 0 ? '+' : '−'}${text}\u00a0%`;
}
