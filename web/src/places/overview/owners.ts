/* Who may own an alarm: oneself first, then whom this session may list; names that are not listed can be typed. */
import { scope } from '../../app/scope.svelte.ts';
import { session } from '../../app/session.svelte.ts';
import { all } from '../../lib/data/client.ts';

export interface Owner {
    readonly name: string;
    readonly text: string;
}

/* What the server takes for whoever asks. */
export const ME = 'me';

export interface Owners {
    readonly list: Owner[];
    readonly complete: boolean;
}

function shown(u: { name: string; display_name: string }, note: string): Owner {
    return { name: u.name, text: `${u.display_name && u.display_name !== u.name ? `${u.name}, ${u.display_name}` : u.name}${note}` };
}

/* The server writes sign-in names; of this tenant's own people the login name is enough. */
export function ownerText(owner: string | null): string {
    return owner === null ? '' : owner.endsWith(`@${scope.tenant}`) ? owner.slice(0, -scope.tenant.length - 1) : owner;
}

export function isMe(owner: string | null): boolean {
    return owner !== null && (owner === session.user?.name || owner === session.user?.sign_in);
}

export async function owners(): Promise<Owners> {
    const me = session.user?.name ?? '';
    const nobody = { items: [] as { name: string; display_name: string; disabled: boolean }[], missing: true };
    const ask = async (path: '/tenants/{t}/users' | '/instance/users') => ({ items: (await all(path, { path: { t: scope.tenant }, poll: true }, 500)).items, missing: false });
    const [own, operator] = await Promise.all([
        ask('/tenants/{t}/users').catch(() => nobody), session.operator ? ask('/instance/users').catch(() => nobody) : nobody
    ]);
    const found = [...own.items.filter((u) => !u.disabled).map((u) => shown(u, '')), ...operator.items.filter((u) => !u.disabled).map((u) => shown(u, ' (operator)'))];
    const seen = new Set([me]);
    const rest = found.filter((u) => !seen.has(u.name) && seen.add(u.name)).sort((a, b) => a.name.localeCompare(b.name));
    return { list: [...(me === '' ? [] : [{ name: ME, text: `Me, ${me}` }]), ...rest], complete: !own.missing && !operator.missing };
}
