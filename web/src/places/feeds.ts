/* How the reading of a feed goes, in words: for the operator's page and for what a tenant sees of it. */
import type { Form } from '../lib/data/client.ts';

export type FeedState = Form<'Feed'>['state'];

export const FEED: Readonly<Record<FeedState, { level: 'ok' | 'minor' | 'major' | 'warning'; text: string }>> = {
    ok: { level: 'ok', text: 'OK' }, waiting: { level: 'warning', text: 'Not read yet' }, failing: { level: 'major', text: 'Failing' },
    blocked: { level: 'minor', text: 'Not allowed' }, off: { level: 'minor', text: 'Off' }
};
