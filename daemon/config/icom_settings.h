#pragma once

#include <stdbool.h>

/* What a person may choose about the live integrated centre of mass: analysis.icom of the
 * configuration, and the command live_icom. Definitions: schemas/protocol.md. */
enum icom_method { ICOM_METHOD_AUTO, ICOM_METHOD_ICOM, ICOM_METHOD_RICOM };
enum icom_descan {
    ICOM_DESCAN_CONSTANT,
    ICOM_DESCAN_PLANE,
    ICOM_DESCAN_PARABOLA,
    ICOM_DESCAN_NONE
};
enum icom_border { ICOM_BORDER_MIRROR, ICOM_BORDER_PERIODIC };

struct icom_settings {
    bool enabled;
    enum icom_method method; /* auto: ricom while the scan grows, then icom */
    enum icom_descan descan;
    double rotation; /* degrees; NaN: the calibrated scan rotation, else 0 */
    bool flip;
    enum icom_border border;
    double high_pass; /* waves per position, 0: none; of icom */
    unsigned radius;  /* positions; of ricom */
    char dpc[48];     /* a segmented detector of four sectors, whose DPC is taken for the shift; "":
                         the centre of mass */
};
