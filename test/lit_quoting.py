"""The format of the lit tests: lit.cfg.py says what it means for RUN lines."""

import os
import shlex

import lit.formats
import lit.TestRunner


class QuotedShTest(lit.formats.ShTest):
    """Tests whose RUN lines get paths as one word each."""

    def execute(self, test, lit_config):
        source = test.getSourcePath()
        folder = os.path.dirname(source)
        base = lit.TestRunner.getTempPaths(test)[1]
        # First what is the same for all tests: %tq_src begins like %t.
        substitutions = list(test.config.substitutions)
        substitutions += [
            ("%" + name, shlex.quote(path))
            for name, path in [("s", source), ("S", folder), ("p", folder), ("t", base + ".tmp")]
        ]
        return lit.TestRunner.executeShTest(
            test, lit_config, self.execute_external, substitutions, self.preamble_commands
        )
