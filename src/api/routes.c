/* Every request that there is: method, path, right, parameters, fields of the body, handler. */
#include "api/parts.h"
#include "base/attr.h"

#define T     "/api/v1/tenants"
#define I     "/api/v1/instance"
#define LOGS  T "/{t}/logs"
#define RANGE "from,to,where"

const struct fl_route fl_routes[] = {
    {"GET", I "/status", FL_RIGHT_HEALTH, false, NULL, NULL, fl_api_status},
    {"GET", I "/store", FL_RIGHT_HEALTH, true, NULL, NULL, fl_api_store},
    {"POST", I "/store/verify", FL_RIGHT_HEALTH, true, NULL, "tenant,from_day,to_day",
     fl_api_store_job},
    {"POST", I "/store/repair", FL_RIGHT_SETUP, true, NULL, "tenant,from_day,to_day,dry_run",
     fl_api_store_job},
    {"POST", I "/store/merge", FL_RIGHT_SETUP, true, NULL, "tenant,from_day,to_day,dry_run",
     fl_api_store_job},
    {"POST", I "/store/upgrade", FL_RIGHT_SETUP, true, NULL, "tenant,from_day,to_day,dry_run,to",
     fl_api_store_job},
    {"GET", I "/ca", FL_RIGHT_HEALTH, false, NULL, NULL, fl_api_instance_ca},
    {"GET", I "/receipts", FL_RIGHT_EVENTS, false, "limit,after", NULL, fl_api_receipts},
    {"POST", I "/keys/root", FL_RIGHT_SETUP, true, NULL, "", fl_api_root_change},
    {"GET", I "/rogues", FL_RIGHT_HEALTH, true, "limit,after", NULL, fl_api_rogues},
    {"GET", I "/events", FL_RIGHT_EVENTS, true, "limit,after", NULL, fl_api_events},

    {"GET", T, FL_RIGHT_SETUP, true, "limit,after", NULL, fl_api_tenants},
    {"POST", T, FL_RIGHT_SETUP, true, NULL,
     "slug,name,keep_days,quota_bytes,demo,far_zones,far_instances", fl_api_tenant_add},
    {"GET", T "/{t}", FL_RIGHT_SETUP, true, NULL, NULL, fl_api_tenant_show},
    {"PATCH", T "/{t}", FL_RIGHT_SETUP, true, NULL,
     "name,keep_days,quota_bytes,demo,far_zones,far_instances", fl_api_tenant_set},
    {"DELETE", T "/{t}", FL_RIGHT_SETUP, true, "confirm", NULL, fl_api_tenant_remove},
    {"POST", T "/{t}/local-access", FL_RIGHT_GRANT, true, NULL, "hours", fl_api_local_access},
    {"PUT", T "/{t}/ca", FL_RIGHT_SETUP, true, NULL, "ca_pem", fl_api_tenant_ca_set},
    {"DELETE", T "/{t}/ca", FL_RIGHT_SETUP, true, NULL, NULL, fl_api_tenant_ca_remove},

    {"GET", T "/{t}/sites", FL_RIGHT_SETUP, true, "limit,after", NULL, fl_api_sites},
    {"POST", T "/{t}/sites", FL_RIGHT_SETUP, true, NULL, "slug,name,country", fl_api_site_add},
    {"GET", T "/{t}/sites/{s}", FL_RIGHT_SETUP, true, NULL, NULL, fl_api_site_show},
    {"PATCH", T "/{t}/sites/{s}", FL_RIGHT_SETUP, true, NULL, "name,country", fl_api_site_set},
    {"DELETE", T "/{t}/sites/{s}", FL_RIGHT_SETUP, true, NULL, NULL, fl_api_site_remove},

    {"GET", T "/{t}/devices", FL_RIGHT_SETUP, true, "limit,after", NULL, fl_api_devices},
    {"POST", T "/{t}/devices", FL_RIGHT_SETUP, true, NULL, "slug,name,site,host,relay",
     fl_api_device_add},
    {"GET", T "/{t}/devices/{d}", FL_RIGHT_SETUP, true, NULL, NULL, fl_api_device_show},
    {"PATCH", T "/{t}/devices/{d}", FL_RIGHT_SETUP, true, NULL, "name,site,host,relay",
     fl_api_device_set},
    {"DELETE", T "/{t}/devices/{d}", FL_RIGHT_SETUP, true, NULL, NULL, fl_api_device_remove},
    {"POST", T "/{t}/devices/{d}/certificates", FL_RIGHT_SETUP, true, NULL, "csr_pem,days,cert_pem",
     fl_api_certificate_add},
    {"DELETE", T "/{t}/devices/{d}/certificates/{f}", FL_RIGHT_SETUP, true, NULL, NULL,
     fl_api_certificate_revoke},

    {"GET", LOGS "/top", FL_RIGHT_DATA, true, RANGE ",by,metric,limit,sums", NULL, fl_api_logs},
    {"GET", LOGS "/series", FL_RIGHT_DATA, true, RANGE ",by,metric,limit,step", NULL, fl_api_logs},
    {"GET", LOGS "/rows", FL_RIGHT_DATA, true, RANGE ",limit,cursor,original", NULL, fl_api_logs},
    {"GET", LOGS "/facets", FL_RIGHT_DATA, true, RANGE ",by,limit", NULL, fl_api_logs},
    {"GET", LOGS "/context", FL_RIGHT_DATA, true, "where,limit,cursor,original", NULL, fl_api_logs},
    {"GET", LOGS "/export", FL_RIGHT_DATA, true, RANGE ",cursor,format,original,columns", NULL,
     fl_api_logs},
    {"GET", LOGS "/tail", FL_RIGHT_DATA, true, "where,limit,cursor,original", NULL, fl_api_logs},
    {"GET", LOGS "/count", FL_RIGHT_DATA, true, RANGE ",metric", NULL, fl_api_logs},
    {"POST", LOGS "/erase", FL_RIGHT_DATA, true, NULL, "user,ip,where,from,to,dry_run",
     fl_api_erase},
    {"POST", LOGS "/purge", FL_RIGHT_DATA, true, NULL, "from_day,to_day,dry_run", fl_api_purge},
};
const size_t fl_routes_count = FL_LEN(fl_routes);
