/* device.h - what the two files of `fairlead device` share. */
#ifndef FL_CLI_DEVICE_H
#define FL_CLI_DEVICE_H

#include "cli/cli.h"

/* ".../devices" or, with a device, ".../devices/DEVICE". */
const char *fl_device_path(struct fl_cli_path *path, const char *tenant, const char *device);

int fl_device_cert_issue(struct fl_cli *cli);
int fl_device_cert_revoke(struct fl_cli *cli);
int fl_device_cert_pin(struct fl_cli *cli);

#endif
