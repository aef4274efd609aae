#pragma once

/*
 * Classes of what merlind tells, for those who look for them in the journal
 * (journalctl MESSAGE_ID=...); systemd/merlind.catalog says of each what it means and what to do. A
 * number stays what it is for ever: it is what people have in their alarms.
 */
#define MESSAGE_READY "aeb48f4b29fb4989bc583358aa078d4d"
#define MESSAGE_STOPPING "e1afa98220d3429986d4bfe67267d6d7"
#define MESSAGE_CONFIGURATION "0be78bcbecbd4f9ca328d90df33a9089"
#define MESSAGE_LINK_DOWN "975e00280656403596cd371db0cfce95"
#define MESSAGE_RUN_BEGAN "0571c96ee1554816be014fd5fc92a0c8"
#define MESSAGE_RUN_ENDED "608a8190d6ee4dd58cf4d0f7ed1bb915"
#define MESSAGE_FRAMES_LOST "640b4a5a122c49d7bf2949cb0c6e4510"
#define MESSAGE_STRAY "69eab51720ad48bba693fec29152033f"
#define MESSAGE_STALL "00f8ce2687ca4be68030c566b4858426"
#define MESSAGE_DISK "4f309892802044d8a3a1546b41b18d87"
#define MESSAGE_RECORDING_FAILED "9d5eab9f28d9437783d90989716aab66"
#define MESSAGE_LEFT_BY_CRASH "5333f4983c4d406fb3ccd2430b82b33b"
#define MESSAGE_STANDS_STILL "fd37eff5afa845b0b1b97ab6b94e8715"
#define MESSAGE_TURNED_AWAY "eb46d8e2cd874d3b9fb39adcf8a70407"
