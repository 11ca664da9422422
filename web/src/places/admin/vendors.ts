/* The lines to paste on a device, by kind. <<...>> marks what is the person's own and stands out on the page. */

export interface Facts {
    device: string;
    tenant: string;
    /** Where devices reach the listener. */
    host: string;
    port: string;
}

export interface Vendor {
    key: string;
    label: string;
    about: string;
    /** What to do before pasting: which files go where. */
    before: string;
    lines: (f: Facts) => string;
    after: string;
}

export const vendors: Vendor[] = [
    {
        key: 'junos',
        label: 'Junos',
        about: 'SRX, Junos 21.2 or later, configuration mode',
        before: 'Copy the three files to /var/tmp on the device first.',
        lines: (f) => `# 1  trust Fairlead, prove who this device is (files in /var/tmp)
set security pki ca-profile fairlead-ca ca-identity fairlead-ca
set security pki ca-profile fairlead-ca revocation-check disable
commit
run request security pki ca-certificate load ca-profile fairlead-ca filename /var/tmp/fairlead-ca.pem
run request security pki local-certificate load certificate-id <<${f.device}>> filename /var/tmp/${f.device}.pem key /var/tmp/${f.device}.key
set services ssl initiation profile fairlead trusted-ca fairlead-ca
set services ssl initiation profile fairlead client-certificate <<${f.device}>>
# 2  stream the data-plane logs over TLS
set security log mode stream
set security log format sd-syslog
set security log source-address <<10.0.0.1>>
set security log transport protocol tls
set security log transport tls-profile fairlead
set security log stream fairlead category all
set security log stream fairlead host <<${f.host}>> port ${f.port}
# 3  let sessions name their application, one line for each zone
set security zones security-zone <<trust>> application-tracking
commit confirmed 10`,
        after: 'When the first line has arrived, confirm on the device: commit.',
    },
    {
        key: 'fortigate',
        label: 'FortiGate',
        about: 'FortiOS 7, command line',
        before: 'Import fairlead-ca.pem under System, Certificates as a CA certificate, and the certificate with its key as a local certificate of the name below.',
        lines: (f) => `config log syslogd setting
    set status enable
    set server "<<${f.host}>>"
    set mode reliable
    set port ${f.port}
    set enc-algorithm high
    set ssl-min-proto-version TLSv1-2
    set certificate "<<${f.device}>>"
    set format default
end
config log syslogd filter
    set severity information
    set forward-traffic enable
    set local-traffic disable
end`,
        after: 'Policies log only what they are told to: set logtraffic all on those that matter.',
    },
    {
        key: 'panos',
        label: 'Palo Alto',
        about: 'PAN-OS 10 or later, configuration mode',
        before: 'Import fairlead-ca.pem and the certificate with its key under Device, Certificate Management; tick “Certificate for Secure Syslog” on the latter.',
        lines: (f) => `set shared log-settings syslog fairlead server fairlead server <<${f.host}>>
set shared log-settings syslog fairlead server fairlead transport SSL
set shared log-settings syslog fairlead server fairlead port ${f.port}
set shared log-settings syslog fairlead server fairlead format IETF
set shared log-settings syslog fairlead server fairlead facility LOG_USER
set shared log-settings syslog fairlead format traffic "CEF:0|Palo Alto Networks|PAN-OS|$sender_sw_version|$subtype|$type|1|rt=$cef-formatted-receive_time deviceExternalId=$serial src=$src dst=$dst sourceTranslatedAddress=$natsrc destinationTranslatedAddress=$natdst suser=$srcuser app=$app cs4Label=Source Zone cs4=$from cs5Label=Destination Zone cs5=$to spt=$sport dpt=$dport proto=$proto act=$action in=$bytes_received out=$bytes_sent cnt=$repeatcnt"
set shared log-settings profiles fairlead match-list traffic log-type traffic
set shared log-settings profiles fairlead match-list traffic send-syslog fairlead
set rulebase security rules <<rule>> log-setting fairlead
set rulebase security rules <<rule>> log-end yes
commit`,
        after: 'Give the log setting to each rule whose sessions are to be seen.',
    },
    {
        key: 'cef',
        label: 'CEF',
        about: 'anything that speaks CEF over syslog',
        before: 'The sender needs the certificate with its key, and fairlead-ca.pem to check this server.',
        lines: (f) => `Destination      <<${f.host}>>
Port             ${f.port}, TCP with TLS 1.2 or later
Client           certificate ${f.device}.pem with ${f.device}.key
Trust            fairlead-ca.pem
Framing          octet counting (RFC 6587, 3.4.1)
Syslog           RFC 5424
Message          CEF:0|Vendor|Product|Version|Id|Name|Severity|src=... dst=... app=... in=... out=...`,
        after: 'Fields that CEF names (src, dst, spt, dpt, proto, app, request, suser, in, out, act) become columns; others are kept.',
    },
    {
        key: 'tls',
        label: 'Other syslog/TLS',
        about: 'RFC 5425 with a client certificate',
        before: 'The sender needs the certificate with its key, and fairlead-ca.pem to check this server.',
        lines: (f) => `# try it from any machine: one line, then end
printf '<14>1 %s ${f.device} test - - - hello from ${f.device}' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" > line
{ printf '%s ' "$(wc -c < line)"; cat line; sleep 2; } |
  openssl s_client -quiet -connect <<${f.host}>>:${f.port} -CAfile fairlead-ca.pem \\
    -cert ${f.device}.pem -key ${f.device}.key`,
        after: 'Each line is framed by its length in bytes and a blank; a line that no parser knows is kept whole and counted as unparsed.',
    },
    {
        key: 'rsyslog',
        label: 'Linux rsyslog',
        about: 'rsyslog 8 with rsyslog-openssl, /etc/rsyslog.d/60-fairlead.conf',
        before: 'Put the three files into /etc/rsyslog.d/fairlead, readable by the user syslog only, and install rsyslog-openssl.',
        lines: (f) => `global(
  defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="/etc/rsyslog.d/fairlead/fairlead-ca.pem"
  defaultNetstreamDriverCertFile="/etc/rsyslog.d/fairlead/${f.device}.pem"
  defaultNetstreamDriverKeyFile="/etc/rsyslog.d/fairlead/${f.device}.key"
)
action(
  type="omfwd" target="<<${f.host}>>" port="${f.port}" protocol="tcp"
  streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="x509/name"
  streamDriverPermittedPeers="<<${f.host}>>"
  template="RSYSLOG_SyslogProtocol23Format" TCP_Framing="octet-counted"
  queue.type="linkedList" queue.filename="fairlead" queue.saveOnShutdown="on"
  action.resumeRetryCount="-1"
)`,
        after: 'Then: rsyslogd -N1 && systemctl restart rsyslog',
    },
];

/** The text in parts: what is the person's own, and the rest. */
export function parts(text: string): { text: string; own: boolean }[] {
    return text.split(/(<<[^>]*>>)/).filter(Boolean).map((part) => (part.startsWith('<<') ? { text: part.slice(2, -2), own: true } : { text: part, own: false }));
}

export const plain = (text: string): string => text.replace(/<<|>>/g, '');
