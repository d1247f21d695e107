/* submit - MOVED: include "store/submit.h" instead (it needs the spool, and net
 * may not include store: the link order forbids it). This file will go away. */
