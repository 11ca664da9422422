/* The little of DER (X.690) that a certificate request needs. */

export function node(tag: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
    const length = parts.reduce((sum, p) => sum + p.length, 0);
    const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    if (length > 0xffff) throw new RangeError('too long for one element');
    const out = new Uint8Array(1 + head.length + length);
    out[0] = tag;
    out.set(head, 1);
    let at = 1 + head.length;
    for (const part of parts) {
        out.set(part, at);
        at += part.length;
    }
    return out;
}

export const sequence = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => node(0x30, ...parts);
export const set = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => node(0x31, ...parts);
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => node(0x0c, new TextEncoder().encode(text));
export const bits = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => node(0x03, Uint8Array.of(0), bytes);

/** An integer from its big-endian bytes, taken as not negative. */
export function integer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    let at = 0;
    while (at < bytes.length - 1 && bytes[at] === 0) at++;
    const rest = bytes.slice(at);
    return rest[0]! & 0x80 ? node(0x02, Uint8Array.of(0), rest) : node(0x02, rest);
}

export function oid(text: string): Uint8Array<ArrayBuffer> {
    const [a = 0, b = 0, ...more] = text.split('.').map(Number);
    const out = [a * 40 + b];
    for (const value of more) {
        const groups = [value & 0x7f];
        for (let rest = value >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
        out.push(...groups);
    }
    return node(0x06, Uint8Array.from(out));
}

export function pem(label: string, der: Uint8Array): string {
    let binary = '';
    der.forEach((byte) => (binary += String.fromCharCode(byte)));
    return `-----BEGIN ${label}-----\n${(btoa(binary).match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
}
