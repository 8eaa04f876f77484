#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# local-block.t once more, with nothing of the executor but .run: block devices without thin pools by
# the scripts of executors/script.
import os, sys

os.environ["LAB_LOWERED"] = "1"
test = os.path.join(os.path.dirname(os.path.abspath(__file__)), "local-block.t")
os.execv(sys.executable, [sys.executable, test])
