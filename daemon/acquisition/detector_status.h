#pragma once

/*
 * DETECTORSTATUS (Merlin manual v1.0 and newer command tables). Old servers say busy where new ones
 * say armed.
 */
enum detector_status {
    DETECTOR_IDLE = 0,
    DETECTOR_BUSY = 1,
    DETECTOR_STANDBY = 2,
    DETECTOR_ERROR = 3,
    DETECTOR_ARMED = 4,
    DETECTOR_INITIALISING = 5,
};
