#!/usr/bin/env node
/**
 * Bin `dace-simulate`.
 */
import { runCommand } from './command.js';

void runCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
}).then((exitCode) => {
  process.exitCode = exitCode;
});
