/* A key pair and a certificate request (RFC 2986), made in the page: the private key never leaves it. */
import { bits, integer, node, oid, pem, sequence, set, utf8 } from './der.ts';

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const HALF = 32;

export interface Request {
    keyPem: string;
    csrPem: string;
}

function name(type: string, value: string): Uint8Array {
    return set(sequence(oid(type), utf8(value)));
}

/** The signature as two integers (RFC 3279, 2.2.3); WebCrypto gives their bytes side by side. */
export function signatureValue(raw: Uint8Array): Uint8Array<ArrayBuffer> {
    return sequence(integer(raw.slice(0, HALF)), integer(raw.slice(HALF)));
}

/** P-256; the server looks at the key and chooses the certificate's content itself. */
export async function makeRequest(device: string, tenant: string): Promise<Request> {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
    const info = sequence(integer(Uint8Array.of(0)), sequence(name(ORGANIZATION, tenant), name(COMMON_NAME, device)), spki, node(0xa0));
    const raw = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, info));
    const request = sequence(info, sequence(oid(ECDSA_SHA256)), bits(signatureValue(raw)));
    const out = { keyPem: pem('PRIVATE KEY', pkcs8), csrPem: pem('CERTIFICATE REQUEST', request) };
    pkcs8.fill(0);
    return out;
}
