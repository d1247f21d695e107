"""randconfig.py KCONFIG - a random .config; KCONFIG_SEED repeats one."""
import os
import random
import sys

import kconfiglib


def main():
    seed = int(os.environ.get("KCONFIG_SEED") or random.randrange(1 << 30))
    rand = random.Random(seed)
    kconf = kconfiglib.Kconfig(sys.argv[1], suppress_traceback=True)
    # Parents come before their features, so one pass sees what it enabled.
    for sym in kconf.unique_defined_syms:
        if sym.orig_type == kconfiglib.BOOL and sym.visibility:
            sym.set_value(rand.choice((0, 2)))
    kconf.write_config()
    print(f"KCONFIG_SEED={seed}")


main()
