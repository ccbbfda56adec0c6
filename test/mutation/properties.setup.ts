import fc from 'fast-check';

/**
 * The same histories for every mutant, and a tenth of a second of them: what gets by is for an
 * example to catch.
 */
const isSetUp = fc.readConfigureGlobal().seed !== undefined;
if (!isSetUp) {
  fc.configureGlobal({ seed: 1, endOnFailure: true });
  fc.installGlobalPlugin(fc.interruptAfterTimeLimit(100));
}
