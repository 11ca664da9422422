#include "conf/schema.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

const struct fl_conf_row fl_conf_rows[FL_SETTING_COUNT] = {
    [FL_SET_DATA_DIR] =
        {
            .name = "data_dir",
            .kind = FL_CONF_PATH,
            .preset = "/var/lib/fairlead",
            .brief = "Folder that holds everything Fairlead keeps.",
            .help = "The folders store, keys, control and run stand in it; each belongs to one "
                    "process. One fairleadd at a time uses a data folder. When started as root "
                    "with a uid_base, the folders above it must be searchable by all users.",
        },
    [FL_SET_LEDGER_DIR] =
        {
            .name = "ledger_dir",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "data_dir with .ledger behind it",
            .brief = "Folder of the ledger of erasures.",
            .help = "Which persons were erased is written down here, sealed, so that a copy of "
                    "data_dir that is put back erases them again. It must stand outside of "
                    "data_dir and of every backup of it, and is best kept on another disk. "
                    "Without the latest ledger fairleadd opens no data; see fairleadd(8).",
        },
    [FL_SET_LISTEN_TLS] =
        {
            .name = "listen_tls",
            .kind = FL_CONF_ADDRESS,
            .preset = "[::]:6514",
            .brief = "Address and port on which devices deliver logs by syslog over TLS.",
            .help = "RFC 5425, mutual: a device shows the certificate that "
                    "'fairlead device cert issue' made for it. An IPv6 address of [::] takes IPv4 "
                    "too. Empty: no such listener.",
        },
    [FL_SET_LOCAL_SOCKET] =
        {
            .name = "local_socket",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "run/fairlead.sock in data_dir",
            .brief = "Socket on which the command line reaches fairleadd.",
            .help = "At most 107 bytes. Who may use it is decided by the caller's user id, see "
                    "admin_uids.",
        },
    [FL_SET_SERVER_NAMES] =
        {
            .name = "server_names",
            .kind = FL_CONF_NAMES,
            .preset = "",
            .preset_doc = "the machine's host name, localhost, 127.0.0.1 and ::1",
            .brief = "Names and addresses that the server's TLS certificate is for.",
            .help = "A comma list. Devices that check the server's name must find it here.",
        },
    [FL_SET_UID_BASE] =
        {
            .name = "uid_base",
            .kind = FL_CONF_COUNT,
            .preset = "70100",
            .min = 1000,
            .max = 4000000000,
            .zero_doc = "stay with the starter's user id",
            .brief = "The processes run under user ids from here on when started as root.",
            .help = "ingest takes uid_base + 1, core + 2, store + 3, keys + 4, web + 5, outbound + "
                    "6, with group ids of the same numbers. Nobody else should have these ids. "
                    "Changing it gives the "
                    "data folders to the new ids at the next start.",
        },
    [FL_SET_ADMIN_UIDS] =
        {
            .name = "admin_uids",
            .kind = FL_CONF_UIDS,
            .preset = "",
            .preset_doc = "none",
            .brief = "Further users that may use the local socket.",
            .help = "A comma list of numeric user ids. Root and the user who started fairleadd "
                    "always may.",
        },
    [FL_SET_CONNECTIONS_MAX] =
        {
            .name = "connections_max",
            .kind = FL_CONF_COUNT,
            .preset = "4096",
            .min = 1,
            .max = 100000,
            .brief = "Device connections at a time, over all listeners.",
        },
    [FL_SET_CONNECTIONS_PER_ADDRESS] =
        {
            .name = "connections_per_address",
            .kind = FL_CONF_COUNT,
            .preset = "64",
            .min = 1,
            .max = 100000,
            .brief = "Device connections at a time from one address.",
            .help = "Raise it where many devices stand behind one translated address.",
        },
    [FL_SET_LINE_MAX] =
        {
            .name = "line_max",
            .kind = FL_CONF_SIZE,
            .preset = "64K",
            .min = KIB(1),
            .max = KIB(64),
            .brief = "Longest log line; what is longer is cut there and counted.",
        },
    [FL_SET_RING_BYTES] =
        {
            .name = "ring_bytes",
            .kind = FL_CONF_SIZE,
            .preset = "8M",
            .min = MIB(4),
            .max = GIB(1),
            .brief = "Memory between the receiving and the storing process.",
            .help = "It bridges moments in which the disk is slow. When it is full, reading from "
                    "the devices stops.",
        },
    [FL_SET_COMMIT_MS] =
        {
            .name = "commit_ms",
            .kind = FL_CONF_MS,
            .preset = "50ms",
            .min = 1,
            .max = 5000,
            .brief = "Received lines are on disk after at most this time ...",
            .help = "A shorter time costs more writes.",
        },
    [FL_SET_COMMIT_BYTES] =
        {
            .name = "commit_bytes",
            .kind = FL_CONF_SIZE,
            .preset = "1M",
            .min = KIB(64),
            .max = MIB(64),
            .brief = "... or once this much has come together, whichever is first.",
        },
    [FL_SET_MEMTABLE_BYTES] =
        {
            .name = "memtable_bytes",
            .kind = FL_CONF_SIZE,
            .preset = "96M",
            .min = MIB(8),
            .max = GIB(64),
            .brief = "Memory for rows that are not in a segment yet, over all tenants.",
            .help = "Beyond it the tenant with most rows is sealed early.",
        },
    [FL_SET_SEAL_ROWS] =
        {
            .name = "seal_rows",
            .kind = FL_CONF_COUNT,
            .preset = "65536",
            .min = 1024,
            .max = 65536,
            .brief = "Rows of a tenant that make a segment.",
        },
    [FL_SET_SEAL_S] =
        {
            .name = "seal_s",
            .kind = FL_CONF_S,
            .preset = "5m",
            .min = 1,
            .max = 86400,
            .brief = "A tenant's rows become a segment after at most this time.",
        },
    [FL_SET_KEEP_DAYS] =
        {
            .name = "keep_days",
            .kind = FL_CONF_COUNT,
            .preset = "30",
            .min = 1,
            .max = 30,
            .brief = "Days that a new tenant's logs are kept.",
            .help = "Each tenant's own value is set with 'fairlead tenant set'.",
        },
    [FL_SET_QUERY_MS] =
        {
            .name = "query_ms",
            .kind = FL_CONF_MS,
            .preset = "10s",
            .min = 10,
            .max = 600000,
            .brief = "Time that one query may take; what is there by then is its partial answer.",
        },
    [FL_SET_QUERY_BYTES] =
        {
            .name = "query_bytes",
            .kind = FL_CONF_SIZE,
            .preset = "64M",
            .min = MIB(1),
            .max = GIB(16),
            .brief = "Memory that one query may take.",
        },
    [FL_SET_QUERY_THREADS] =
        {
            .name = "query_threads",
            .kind = FL_CONF_COUNT,
            .preset = "2",
            .min = 1,
            .max = 64,
            .brief = "Queries that run at the same time.",
        },
    [FL_SET_TAIL_MAX] =
        {
            .name = "tail_max",
            .kind = FL_CONF_COUNT,
            .preset = "256",
            .min = 1,
            .max = 1024,
            .brief = "Live tails of a tenant at the same time.",
            .help = "Over all tenants there may be 1,024.",
        },
    [FL_SET_IDLE_S] =
        {
            .name = "idle_s",
            .kind = FL_CONF_S,
            .preset = "5m",
            .min = 1,
            .max = 86400,
            .brief = "Silence after which a device counts as having a gap.",
        },
    [FL_SET_STORE_MAX_BYTES] =
        {
            .name = "store_max_bytes",
            .kind = FL_CONF_SIZE,
            .preset = "0",
            .min = MIB(1),
            .max = UINT64_MAX / 2,
            .zero_doc = "no limit but the disk",
            .brief = "Most bytes of sealed logs, over all tenants.",
            .help = "Beyond it the tenant that is furthest over its share loses its oldest day, "
                    "with a security event; a tenant within its share loses nothing. A share is "
                    "even, but nobody gets more than it uses or than its own quota (fairlead "
                    "tenant set --quota). The record of security events is never taken.",
        },
    [FL_SET_MIN_FREE_BYTES] =
        {
            .name = "min_free_bytes",
            .kind = FL_CONF_SIZE,
            .preset = "256M",
            .min = MIB(1),
            .max = UINT64_MAX / 2,
            .zero_doc = "no floor",
            .brief = "Free disk that is kept, by taking days as store_max_bytes does.",
            .help = "When that does not help and less than half of it is left, nothing is accepted "
                    "until three quarters are free: devices wait, nothing is lost. What is left is "
                    "needed to destroy keys.",
        },
    [FL_SET_WEB_LISTEN] =
        {
            .name = "web_listen",
            .kind = FL_CONF_ADDRESS,
            .preset = "[::]:8443",
            .brief = "Address and port of the screen and the HTTPS interface.",
            .help = "TLS 1.2 and later. Empty: neither is served, and no process for them runs.",
        },
    [FL_SET_WEB_ROOT] =
        {
            .name = "web_root",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc =
                "the folder web beside the program, or share/fairlead/web where it is installed",
            .brief = "Folder with the files of the screen.",
            .help = "They must be readable by all users. Changed files are served within seconds.",
        },
    [FL_SET_WEB_CERT] =
        {
            .name = "web_cert",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "made by Fairlead's own authority, for server_names",
            .brief = "Own certificate of the HTTPS interface: PEM, with its chain behind it.",
            .help = "Needs web_key. Its key must be one on the curve P-256 (certbot: --key-type "
                    "ecdsa). Both files are looked at every minute and upon SIGHUP; a pair that "
                    "does not fit is named in the log, and the one before stays. With it, browsers "
                    "are told to insist on HTTPS for this name.",
        },
    [FL_SET_WEB_KEY] =
        {
            .name = "web_key",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "none",
            .brief = "Private key of web_cert, PEM without a password.",
            .help = "Only the process that keeps keys ever reads it.",
        },
    [FL_SET_WEB_CONNECTIONS_MAX] =
        {
            .name = "web_connections_max",
            .kind = FL_CONF_COUNT,
            .preset = "2048",
            .min = 8,
            .max = 60000,
            .brief = "Connections to the HTTPS interface at a time.",
            .help = "What is over it is closed before TLS begins.",
        },
    [FL_SET_WEB_CONNECTIONS_PER_ADDRESS] =
        {
            .name = "web_connections_per_address",
            .kind = FL_CONF_COUNT,
            .preset = "256",
            .min = 1,
            .max = 60000,
            .brief = "The same from one address, or one IPv6 network of 64 bits.",
            .help = "Raise it where many people stand behind one translated address.",
        },
    [FL_SET_METRICS_OPEN] =
        {
            .name = "metrics_open",
            .kind = FL_CONF_COUNT,
            .preset = "0",
            .min = 1,
            .max = 1,
            .zero_doc = "a token with the right metrics:read is needed",
            .brief = "1: /metrics is open to programs on this machine (loopback).",
        },
    [FL_SET_SIGN_IN_THREADS] =
        {
            .name = "sign_in_threads",
            .kind = FL_CONF_COUNT,
            .preset = "2",
            .min = 1,
            .max = 16,
            .brief = "Passwords that are hashed at the same time.",
            .help =
                "Each takes 64 MiB and, for about 0.2 s, a processor; eight more a thread wait, "
                "at most 5 s. What is over that is refused with a word to try again. One processor "
                "is left to the others, however many are set: with two or one, one password at a "
                "time.",
        },
    [FL_SET_OUTBOUND_ALLOW] =
        {
            .name = "outbound_allow",
            .kind = FL_CONF_HOSTS,
            .preset = "earthquake.usgs.gov, www.gdacs.org, api.weather.gov, www.ncei.noaa.gov",
            .brief = "Hosts that Fairlead may connect to, for feeds and webhooks.",
            .help = "A comma list of host, host:port, *.example.org (any name below it) or * (any "
                    "public host). Without a port the usual one is meant: 443, and 80 where a feed "
                    "asks for http. Nothing is connected to before a feed is enabled ('fairlead "
                    "feed') or a notice is to be sent. Empty, and without smtp_server: the process "
                    "that could connect does not even run.",
        },
    [FL_SET_OUTBOUND_PRIVATE] =
        {
            .name = "outbound_private",
            .kind = FL_CONF_HOSTS,
            .preset = "",
            .preset_doc = "none",
            .brief = "Those of outbound_allow that stand in one's own network.",
            .help = "Addresses that are private, loopback, link-local or otherwise not public are "
                    "refused, whatever name led there, unless host and port stand here. Each needs "
                    "its port where that is not the usual one.",
        },
    [FL_SET_OUTBOUND_CA] =
        {
            .name = "outbound_ca",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "/etc/ssl/certs/ca-certificates.crt",
            .brief = "Certificate authorities that are trusted on such connections, PEM.",
            .help = "Read at the start of the process that connects.",
        },
    [FL_SET_FEED_SIGNERS] =
        {
            .name = "feed_signers",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "none; every alert is shown as not verified",
            .brief = "Certificates whose signatures of CAP alerts count, PEM.",
            .help = "A signer's own certificate, or one that signers' certificates are issued "
                    "under. Read at the start of the process that connects.",
        },
    [FL_SET_SMTP_SERVER] =
        {
            .name = "smtp_server",
            .kind = FL_CONF_HOST,
            .preset = "",
            .preset_doc = "none; no mail is sent",
            .brief = "Host and port of the server that mail is handed to.",
            .help = "Without a port: 465 for tls, else 587. Where it stands in one's own network, "
                    "name it in outbound_private as well; outbound_allow is not asked for it.",
        },
    [FL_SET_SMTP_TLS] =
        {
            .name = "smtp_tls",
            .kind = FL_CONF_SMTP_TLS,
            .preset = "starttls",
            .brief = "How mail is handed over: starttls, tls (from the first byte) or none.",
            .help = "With starttls a server that does not offer it gets no mail. none is for a "
                    "server on the same machine.",
        },
    [FL_SET_SMTP_FROM] =
        {
            .name = "smtp_from",
            .kind = FL_CONF_MAIL,
            .preset = "",
            .preset_doc = "none; no mail is sent",
            .brief = "Address that mail comes from.",
        },
    [FL_SET_SMTP_USER] =
        {
            .name = "smtp_user",
            .kind = FL_CONF_TEXT,
            .preset = "",
            .preset_doc = "no signing in",
            .brief = "Name to sign in with at smtp_server.",
            .help = "Never without TLS.",
        },
    [FL_SET_SMTP_PASSWORD_FILE] =
        {
            .name = "smtp_password_file",
            .kind = FL_CONF_PATH,
            .preset = "",
            .preset_doc = "none",
            .brief = "File whose first line is the password for it.",
            .help = "Read by the supervisor and handed to the process that sends, at its start; it "
                    "may belong to root with mode 0600.",
        },
    [FL_SET_WEB_URL] =
        {
            .name = "web_url",
            .kind = FL_CONF_URL,
            .preset = "",
            .preset_doc = "https:// with the first of server_names and the port of web_listen",
            .brief = "Where people outside reach the screen; links in mail begin with it.",
            .help = "Questions to suppliers carry a link. Set it where the machine stands behind a "
                    "proxy or has another name outside, such as https://fairlead.example.com.",
        },
};

const struct fl_conf_row fl_conf_parts[FL_CONF_PARTS] = {
    [FL_CONF_PART_KIND] =
        {
            .name = "kind",
            .kind = FL_CONF_LISTEN_AS,
            .brief = "What is spoken: tls-server, tcp or udp.",
            .help = "tls-server is TLS without a certificate of the device; tcp and udp are plain "
                    "syslog. All three are weaker than listen_tls: the sender is not proven, and "
                    "tcp and udp can be read on the way. They are shown as weak.",
        },
    [FL_CONF_PART_ADDRESS] =
        {
            .name = "address",
            .kind = FL_CONF_ADDRESS,
            .brief = "Address and port to listen on.",
        },
    [FL_CONF_PART_TENANT] =
        {
            .name = "tenant",
            .kind = FL_CONF_SLUG,
            .brief = "Id of the tenant that everything received here belongs to.",
        },
};

const char *fl_conf_name(enum fl_setting s)
{
    return (unsigned)s < FL_SETTING_COUNT ? fl_conf_rows[s].name : "unknown";
}
