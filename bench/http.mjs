/**
 * Requests per second over loopback: the plain, unprotected clients and ours, which protect, in one
 * run and in turns, 50 at a time.
 *
 * node bench/http.mjs
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { NestFactory } from '@nestjs/core';
import { DaceModule, DaceRegistry, getHttpServiceToken } from 'nestjs-dace';
import { firstValueFrom } from 'rxjs';
import { Agent, request } from 'undici';
import { perSecondInTurns, row, table } from './measure.mjs';

const CONCURRENCY = 50;

const upstream = fork(new URL('./upstream.mjs', import.meta.url));
const port = await new Promise((resolve) => upstream.once('message', resolve));
const origin = `http://127.0.0.1:${port}`;

const service = new HttpService(axios.create());
const plainAxios = axios.create();
const agent = new Agent({ connections: CONCURRENCY });
const app = await NestFactory.createApplicationContext(
  DaceModule.forRoot({
    bench: {
      hosts: [origin],
      maxOpenPerNetloc: CONCURRENCY,
      http: { poolSize: CONCURRENCY },
    },
  }),
  { logger: false },
);
const dependency = app.get(DaceRegistry).get('bench');
const dropIn = app.get(getHttpServiceToken('bench'));

const results = await perSecondInTurns(CONCURRENCY, {
  'plain HttpService': () => firstValueFrom(service.get(`${origin}/a`)),
  'plain axios': () => plainAxios.get(`${origin}/a`),
  'bare undici': async () => {
    const { body } = await request(`${origin}/a`, { dispatcher: agent });
    return body.json();
  },
  'drop-in HttpService': () => firstValueFrom(dropIn.get('/a')),
  'call.http': () => dependency.execute((call) => call.http.get('/a')),
  'dependency.http': () => dependency.http.get('/a'),
});

table('HTTP on loopback, 50 at a time', 'requests per second', results, [
  row(results, 'drop-in HttpService', 'plain HttpService', 'at least', 2.2),
  row(results, 'call.http', 'plain HttpService', 'at least', 3),
  row(results, 'dependency.http', 'plain HttpService', 'at least', 3),
]);
await app.close();
await agent.close();
upstream.disconnect();
