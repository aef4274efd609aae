#pragma once

/*
 * How the page's server names a viewer's connection to the control socket, in front of a number:
 * control takes it for an operator, who is on this computer when the page can only be reached from
 * there. Only a connection inside this process has these rights by its name.
 */
#define PAGE_IDENTITY_HERE "page-here-"
#define PAGE_IDENTITY_AWAY "page-away-"
