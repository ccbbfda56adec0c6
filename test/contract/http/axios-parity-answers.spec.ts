import { compare } from '../../support/parity-spec.js';
import { answerCases, answerRoutes } from '../../support/parity-answers.js';

compare('An answer', answerCases, answerRoutes);
