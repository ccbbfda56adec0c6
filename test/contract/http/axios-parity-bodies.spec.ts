import { compare } from '../../support/parity-spec.js';
import { bodyCases } from '../../support/parity-bodies.js';

compare('The body of a request', bodyCases);
