/* How a device stands: its certificate, whether it sends, what of it could not be read. */
import type { Form } from '../../lib/data/client.ts';
import { ageUs } from '../../lib/data/time.svelte.ts';

export type Device = Form<'Device'>;
export type Certificate = Form<'Certificate'>;

const DAY_US = 86_400e6;
const SILENT_US = 900e6;
const RENEW_DAYS = 30;
const YEAR_DAYS = 365;

/** The certificate in force: not revoked, ending last. */
export function current(device: Device): Certificate | undefined {
    return (device.certificates ?? []).filter((c) => !c.revoked_at).sort((a, b) => (b.not_after ?? '').localeCompare(a.not_after ?? ''))[0];
}

/** Days until it ends; NaN without a certificate. */
export function daysLeft(device: Device): number {
    return -ageUs(current(device)?.not_after) / DAY_US;
}

export function shareLeft(device: Device): number {
    const days = daysLeft(device);
    return Number.isNaN(days) ? 0 : Math.max(0, Math.min(1, days / YEAR_DAYS));
}

export type State = 'none' | 'expired' | 'silent' | 'renew' | 'waiting' | 'unparsed' | 'ok';

/** The server's own word where it gives one; else what the figures say. */
export function standing(device: Device): State {
    const days = daysLeft(device);
    const live = device.live;
    if (Number.isNaN(days)) return 'none';
    if (days < 0) return 'expired';
    if (live?.last_at && (live.lag_us ?? 0) > SILENT_US && live.open === 0) return 'silent';
    if (days < RENEW_DAYS) return 'renew';
    if (!live?.last_at) return 'waiting';
    if (live.unparsed > 0 && live.unparsed > live.lines / 100) return 'unparsed';
    return 'ok';
}

export const LOOK: Record<State, { level: 'critical' | 'major' | 'minor' | 'warning' | 'ok'; text: string }> = {
    none: { level: 'warning', text: 'No certificate' },
    expired: { level: 'major', text: 'Major, expired' },
    silent: { level: 'critical', text: 'Critical, silent' },
    renew: { level: 'warning', text: 'Warning, renew' },
    waiting: { level: 'warning', text: 'Nothing sent yet' },
    unparsed: { level: 'minor', text: 'Minor, unparsed' },
    ok: { level: 'ok', text: 'Sending' },
};

/** "9c:41…e7" */
export function shortPrint(fingerprint: string): string {
    const f = fingerprint.toLowerCase();
    return `${f.slice(0, 2)}:${f.slice(2, 4)}…${f.slice(-2)}`;
}

export function longPrint(fingerprint: string): string {
    return fingerprint.toLowerCase().match(/.{1,2}/g)?.join(':') ?? '';
}
