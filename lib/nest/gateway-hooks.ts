/**
 * The hooks of a gateway. Nest calls them and looks at no promise: a refusal that nobody catches
 * there would end the process.
 */
import { Logger } from '@nestjs/common';
import { isDaceError, type DaceError } from '../core/errors.js';
import { GATEWAY_METADATA } from './dace.constants.js';

const HOOKS = new Set<string | symbol>([
  'afterInit',
  'handleConnection',
  'handleDisconnect',
]);

/** Whether Nest calls a method of this name, of a gateway, on its own account. */
export const isHookName = (name: string | symbol): boolean => HOOKS.has(name);

/**
 * The answer of a hook. Who awaits it gets its error as ever; that nobody does is no mistake where
 * the error is one of ours. What a hook itself throws is its own affair.
 */
export function answerOfHook(self: object, answer: unknown): unknown {
  if (answer instanceof Promise && isGateway(self)) void logged(answer);
  return answer;
}

function isGateway(self: object | undefined): boolean {
  const type = self?.constructor;
  return type !== undefined && Reflect.hasMetadata(GATEWAY_METADATA, type);
}

async function logged(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!isDaceError(error)) throw error;
    tell(error);
  }
}

function tell({ status, message, stack }: DaceError): void {
  const logger = new Logger('DaceModule');
  try {
    // Of refusals and failures the dependency itself tells.
    if (status === 500) logger.error(message, stack);
    else logger.debug(message);
  } catch {
    // A broken logger is no reason to end the process either.
  }
}
