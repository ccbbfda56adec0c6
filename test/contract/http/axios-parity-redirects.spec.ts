import { compare } from '../../support/parity-spec.js';
import {
  redirectCases,
  redirectRoutes,
} from '../../support/parity-redirects.js';

compare('A redirect', redirectCases, redirectRoutes);
