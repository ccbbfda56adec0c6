import { compare } from '../../support/parity-spec.js';
import { requestCases } from '../../support/parity-requests.js';

compare('A request', requestCases);
