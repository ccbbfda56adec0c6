import { HttpModule, HttpService } from '@nestjs/axios';
import { Inject, Injectable, Module, Optional, Scope } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import {
  DaceModule,
  DaceRegistry,
  getHttpServiceToken,
  InjectHttpService,
} from 'nestjs-dace';
import { errorOf } from '../support/core-toolkit.js';
import {
  library,
  Payments,
  plainHttp,
  start,
  started,
  upstream,
} from './http-service-app.js';

const silent = { logger: false } as const;
const here = () => ({ hosts: [upstream.origin] });

describe('An HttpService is registered', () => {
  it('for every id of every registration', async () => {
    const app = await started({
      imports: [
        DaceModule.forRootAsync({
          dependencies: ['payments'],
          useFactory: async () => ({ payments: here() }),
          useOptions: () => silent,
        }),
        DaceModule.forFeature({ mail: here() }),
        DaceModule.forFeatureAsync({
          dependencies: ['search'],
          useFactory: async () => ({ search: here() }),
        }),
      ],
    });

    for (const id of ['payments', 'mail', 'search']) {
      const token = getHttpServiceToken(id);
      const http = app.get<HttpService>(token, { strict: false });
      expect((await firstValueFrom(http.get('/a'))).status).toBe(200);
      const { totals } = app.get(DaceRegistry).get(id).snapshot();
      expect(totals.started).toBe(1);
    }
  });

  it('for a module that is loaded lazily', async () => {
    @Injectable()
    class Late {
      constructor(@InjectHttpService('late') readonly http: HttpService) {}
    }
    @Module({
      imports: [DaceModule.forFeature({ late: here() })],
      providers: [Late],
    })
    class LateModule {}
    const { app } = await start();

    const loaded = await app.get(LazyModuleLoader).load(() => LateModule);
    const { data } = await firstValueFrom(loaded.get(Late).http.get('/a'));

    expect(data.url).toBe('/a');
    const { totals } = app.get(DaceRegistry).get('late').snapshot();
    expect(totals).toMatchObject({ started: 1, succeeded: 1 });
  });

  it('without an axios instance until somebody asks for it', async () => {
    const create = vi.spyOn(library, 'create');
    try {
      const { http } = await start(
        {},
        { imports: [DaceModule.forFeature({ mail: {} })] },
      );
      expect(create).not.toHaveBeenCalled();

      await firstValueFrom(http.get('/a'));
      await http.axiosRef.get('/a');

      expect(create).toHaveBeenCalledOnce();
    } finally {
      create.mockRestore();
    }
  });
});

describe('An HttpService is injected', () => {
  it('into properties and request-scoped classes, one for all', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @InjectHttpService('payments') readonly http!: HttpService;
    }
    const { app, http } = await start({}, { providers: [PerRequest] });

    expect((await app.resolve(PerRequest)).http).toBe(http);
  });

  it('beside the one of HttpModule, which stays what it is', async () => {
    @Injectable()
    class Both {
      constructor(
        readonly plain: HttpService,
        @InjectHttpService('payments') readonly http: HttpService,
      ) {}
    }
    const { app, totals } = await start(
      {},
      { imports: [HttpModule.register({ proxy: false })], providers: [Both] },
    );
    const { plain, http } = app.get(Both);

    await firstValueFrom(plain.get(`${upstream.origin}/plain`));
    await firstValueFrom(http.get('/ours'));

    expect(totals()).toMatchObject({ started: 1 });
    expect(upstream.requests.map(({ url }) => url)).toEqual([
      '/plain',
      '/v1/ours',
    ]);
  });

  it('into a factory', async () => {
    const { app } = await start(
      {},
      {
        providers: [
          {
            provide: 'client',
            inject: [getHttpServiceToken('payments')],
            useFactory: (http: HttpService) => () =>
              firstValueFrom(http.get('/a')),
          },
        ],
      },
    );

    expect((await app.get('client')()).status).toBe(200);
  });

  it('where it is optional only if somebody registered it', async () => {
    @Injectable()
    class Maybe {
      constructor(
        @Optional() @InjectHttpService('mail') readonly http?: HttpService,
      ) {}
    }
    const { app } = await start({}, { providers: [Maybe] });

    expect(app.get(Maybe).http).toBeUndefined();
  });

  it('or Nest names the class and the id that is wrong', async () => {
    @Injectable()
    class Lost {
      constructor(@InjectHttpService('paymets') readonly http: HttpService) {}
    }

    const { message } = await errorOf(start({}, { providers: [Lost] }));

    expect(message).toContain('dependencies of the Lost');
    expect(message).toContain('"DaceHttpService:paymets" at index [0]');
    expect(message).toContain('is it part of');
  });
});

describe('The HttpServices of two apps', () => {
  it('share neither interceptors nor dependency', async () => {
    const [one, other] = [await start(), await start()];
    one.http.axiosRef.interceptors.request.use(() => {
      throw new Error('of the one');
    });

    expect((await errorOf(firstValueFrom(one.http.get('/a')))).message).toBe(
      'of the one',
    );
    expect((await firstValueFrom(other.http.get('/a'))).status).toBe(200);
    expect(one.totals()).toMatchObject({ started: 0 });
    expect(other.totals()).toMatchObject({ started: 1 });
  });

  it('are not those of HttpModule either', async () => {
    const { http } = await start({}, { imports: [HttpModule] });

    expect(http.axiosRef).not.toBe(library);
    expect(new HttpService().axiosRef).toBe(library);
  });
});

describe('A class that takes the HttpService of a dependency', () => {
  it('takes a plain one where it is constructed by hand', async () => {
    const plain = plainHttp(upstream.origin);

    const { data } = await firstValueFrom(new Payments(plain).http.get('/a'));

    expect(data.url).toBe('/a');
  });

  it('may be given another under the same token', async () => {
    @Injectable()
    class Other {
      constructor(
        @Inject(getHttpServiceToken('payments')) readonly http: HttpService,
      ) {}
    }
    const { app, http } = await start({}, { providers: [Other] });

    expect(app.get(Other).http).toBe(http);
  });
});
