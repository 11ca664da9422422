/*
 * The fields of a row, as the filter language of server and screen knows them: short name, name of
 * the Elastic Common Schema, type, unit, whether it tells of a person. A test compares it with
 * src/codec/field.c.
 */
export type FieldType = 'text' | 'number' | 'time' | 'address' | 'flag';

export interface Field {
    readonly name: string;
    readonly ecs: string;
    readonly type: FieldType;
    readonly unit: string;
    readonly personal: boolean;
    readonly text: string;
}

type Line = readonly [string, string, FieldType, string, boolean, string];

const lines: readonly Line[] = [
    ['received', 'event.ingested', 'time', '', false, 'when the line was read here'],
    ['time', '@timestamp', 'time', '', false, "the device's own time"],
    ['seq', 'event.sequence', 'number', '', false, 'number within tenant and day of receipt'],
    ['flag', 'tags', 'flag', '', false, 'how the row was treated: unparsed, far_end, ...'],
    ['site', 'observer.geo.name', 'text', '', false, 'site of the device'],
    ['device', 'observer.name', 'text', '', false, 'device by its certificate'],
    ['format', 'event.module', 'text', '', false, 'parser that understood the line'],
    ['vendor', 'observer.vendor', 'text', '', false, 'CEF device vendor'],
    ['product', 'observer.product', 'text', '', false, 'CEF device product'],
    ['pri', 'log.syslog.priority', 'number', '', false, 'syslog PRI, facility * 8 + severity'],
    ['host', 'log.syslog.hostname', 'text', '', false, 'HOSTNAME as the line says it'],
    ['program', 'log.syslog.appname', 'text', '', false, 'APP-NAME: RT_FLOW, rpd'],
    ['procid', 'log.syslog.procid', 'text', '', false, 'PROCID'],
    ['tag', 'event.code', 'text', '', false, 'message: RT_FLOW_SESSION_CLOSE'],
    ['action', 'event.action', 'text', '', false, 'created closed updated denied blocked ...'],
    ['src', 'source.ip', 'address', '', true, 'source address'],
    ['sport', 'source.port', 'number', '', false, 'source port'],
    ['dst', 'destination.ip', 'address', '', true, 'destination address'],
    ['dport', 'destination.port', 'number', '', false, 'destination port'],
    ['srcnat', 'source.nat.ip', 'address', '', true, 'source address after NAT'],
    ['source.nat.port', 'source.nat.port', 'number', '', false, 'source port after NAT'],
    ['dstnat', 'destination.nat.ip', 'address', '', true, 'destination after NAT'],
    ['destination.nat.port', 'destination.nat.port', 'number', '', false, 'destination port after NAT'],
    ['proto', 'network.iana_number', 'number', '', false, 'IANA protocol number'],
    ['service', 'service.name', 'text', '', false, 'service as the device names it'],
    ['app', 'network.application', 'text', '', false, 'nested application, else application, else service'],
    ['fairlead.application', 'fairlead.application', 'text', '', false, 'application as the line says it'],
    ['fairlead.nested_application', 'fairlead.nested_application', 'text', '', false, 'nested application'],
    ['category', 'fairlead.application_category', 'text', '', false, 'application category'],
    ['user', 'user.name', 'text', '', true, 'user, else the source address'],
    ['roles', 'user.roles', 'text', '', true, 'roles of the user'],
    ['session', 'fairlead.session_id', 'number', '', false, 'session number on the device'],
    ['policy', 'rule.name', 'text', '', false, 'policy that decided'],
    ['szone', 'observer.ingress.zone', 'text', '', false, 'source zone'],
    ['dzone', 'observer.egress.zone', 'text', '', false, 'destination zone'],
    ['in', 'observer.ingress.interface.name', 'text', '', false, 'incoming interface'],
    ['out', 'observer.egress.interface.name', 'text', '', false, 'outgoing interface'],
    ['reason', 'event.reason', 'text', '', false, 'why the session ended or was refused'],
    ['duration', 'event.duration', 'number', 's', false, 'seconds, as the line says it'],
    ['start', 'event.start', 'time', '', false, 'true start of a closed session'],
    ['source.bytes', 'source.bytes', 'number', 'bytes', false, 'client to server, over the session'],
    ['source.packets', 'source.packets', 'number', '', false, 'packets client to server'],
    ['destination.bytes', 'destination.bytes', 'number', 'bytes', false, 'server to client, over the session'],
    ['destination.packets', 'destination.packets', 'number', '', false, 'packets server to client'],
    ['bytes', 'network.bytes', 'number', 'bytes', false, 'what this row adds, both directions'],
    ['up', 'fairlead.bytes_up', 'number', 'bytes', false, 'what this row adds, to the server'],
    ['down', 'fairlead.bytes_down', 'number', 'bytes', false, 'what this row adds, back'],
    ['packets', 'network.packets', 'number', '', false, 'packets that this row adds'],
    ['seconds', 'fairlead.seconds', 'number', 's', false, 'session time that this row adds'],
    ['sessions', 'fairlead.sessions', 'number', '', false, '1 where a session is counted'],
    ['url', 'url.original', 'text', '', true, 'URL as the line says it'],
    ['path', 'url.path', 'text', '', true, 'path of the URL'],
    ['hostname', 'url.domain', 'text', '', true, 'host name visited'],
    ['domain', 'url.registered_domain', 'text', '', true, 'registrable domain'],
    ['urlcategory', 'url.category', 'text', '', false, 'category of the web site'],
    ['threat', 'threat.name', 'text', '', false, 'attack, virus or malware'],
    ['severity', 'threat.severity', 'text', '', false, "the device's word for severity"],
    ['verdict', 'rule.action', 'text', '', false, "the device's word for what it did"],
    ['file', 'file.name', 'text', '', true, 'file name'],
    ['sha256', 'file.hash.sha256', 'text', '', false, 'file hash'],
    ['instance', 'fairlead.routing_instance', 'text', '', false, 'routing instance'],
    ['sla', 'fairlead.sla_rule', 'text', '', false, 'SLA rule'],
    ['profile', 'fairlead.profile', 'text', '', false, 'profile'],
    ['rule', 'fairlead.rule', 'text', '', false, 'rule within the profile'],
    ['rtt', 'fairlead.rtt_us', 'number', 'us', false, 'round-trip time'],
    ['jitter', 'fairlead.jitter_us', 'number', 'us', false, 'round-trip jitter'],
    ['loss', 'fairlead.loss_pct', 'number', '%', false, 'packet loss'],
    ['violation', 'fairlead.violation', 'number', '', false, 'SLA violation; 0 is over'],
    ['message', 'message', 'text', '', true, 'free text'],
    ['fairlead.extra', 'fairlead.extra', 'text', '', true, 'parameters without a column'],
    ['fairlead.shape', 'fairlead.shape', 'text', '', false, 'how the line is rebuilt'],
    ['raw', 'event.original', 'text', '', true, 'the line as received'],
];

export const FIELDS: readonly Field[] = lines.map(([name, ecs, type, unit, personal, text]) => ({
    name, ecs, type, unit, personal, text
}));

const byName = new Map<string, Field>(FIELDS.flatMap((f) => [[f.name, f], [f.ecs, f]]));

export function findField(name: string): Field | undefined {
    return byName.get(name);
}

/* How a row was treated; values of the field `flag`. */
export const FLAGS = [
    'unparsed', 'raw_kept', 'no_time', 'clock_off', 'far_end', 'no_baseline', 'copy', 'relayed',
    'weak', 'framing_repaired', 'truncated', 'year_guessed'
] as const;
