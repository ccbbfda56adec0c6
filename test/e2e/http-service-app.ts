import { HttpService } from '@nestjs/axios';
import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import type { AxiosStatic } from 'axios';
import { afterEach, beforeEach } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  InjectHttpService,
  type DaceModuleOptions,
  type Dependency,
  type DependencyOptions,
  type Totals,
} from 'nestjs-dace';
import { echo, Upstream, type Route } from '../support/http-upstream.js';

/** The axios of `@nestjs/axios`: apps compare errors with its classes. */
export const library = new HttpService().axiosRef as unknown as AxiosStatic;

@Injectable()
export class Payments {
  constructor(@InjectHttpService('payments') readonly http: HttpService) {}
}

const running: TestingModule[] = [];
/** The server behind `payments`, a new one for each test; answers with what it was asked. */
export let upstream: Upstream;

beforeEach(async () => {
  upstream = await Upstream.start(echo);
});
afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
  await upstream.stop();
});

export interface Started {
  readonly app: TestingModule;
  readonly http: HttpService;
  readonly payments: Dependency;
  totals(): Totals;
}

/** An app with the one dependency `payments`, whose host is the upstream's `/v1`. */
export async function start(
  options: DependencyOptions = {},
  { imports = [], providers = [], ...rest }: ModuleMetadata = {},
  module: DaceModuleOptions = {},
): Promise<Started> {
  const dependencies = {
    payments: { hosts: [`${upstream.origin}/v1`], ...options },
  };
  const app = await started({
    ...rest,
    imports: [
      DaceModule.forRoot(dependencies, { logger: false, ...module }),
      ...imports,
    ],
    providers: [Payments, ...providers],
  });
  const payments = app.get(DaceRegistry).get('payments');
  return {
    app,
    http: app.get(Payments).http,
    payments,
    totals: () => payments.snapshot().totals,
  };
}

/** An app, closed after the test. */
export async function started(
  metadata: ModuleMetadata,
): Promise<TestingModule> {
  const app = await Test.createTestingModule(metadata).compile();
  running.push(app);
  return app.init();
}

/** One without protection, to compare with. */
export const plainHttp = (baseURL: string): HttpService =>
  // axios declares its types once for `import` and once for `require`.
  new HttpService(library.create({ baseURL, proxy: false }) as never);

/** Answers `status`, the first `times` times; what was asked, after that. */
export const failing =
  (status: number, times = Infinity, headers: object = {}): Route =>
  (request, response) => {
    if (upstream.requests.length > times) return echo(request, response);
    response.writeHead(status, { ...headers }).end('no');
  };

/** Answers nothing. */
export const hanging: Route = () => {};
