import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Sse,
  Version,
  VersioningType,
  type MessageEvent,
  type Type,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExcludeEndpoint,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiResponse,
  ApiTags,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { of, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';
import { counting, tally, times } from './instances-apps.js';
import { platforms, serve, type Platform } from './nest-app.js';

class Booking {
  @ApiProperty({ example: 'window' })
  seat!: string;
  @ApiProperty({ required: false, minimum: 1 })
  nights?: number;
}

/** The same controller, with something above and something below what documents it. */
function bookings(above: MethodDecorator, below: MethodDecorator): Type {
  @ApiTags('bookings')
  @Controller('bookings')
  class Bookings {
    @above
    @ApiOperation({ summary: 'One booking' })
    @ApiOkResponse({ type: Booking })
    @ApiResponse({ status: 404, description: 'No such booking' })
    @Get(':id')
    @below
    async one(
      @Param('id', ParseIntPipe) id: number,
      @Query('lang') lang?: string,
    ): Promise<Booking> {
      return { seat: `${id} ${lang}` };
    }

    @above
    @ApiBearerAuth()
    @ApiHeader({ name: 'x-tenant' })
    @ApiBody({ type: Booking })
    @Post()
    @HttpCode(202)
    @below
    async book(
      @Body() booking: Booking,
      @Headers('x-tenant') _tenant: string,
    ): Promise<Booking> {
      return booking;
    }

    @above
    @ApiQuery({ name: 'since', type: Date })
    @Version('2')
    @Get(['all', 'every'])
    @below
    async all(@Query('since') _since: Date): Promise<Booking[]> {
      return [];
    }

    @above
    @Sse('news')
    @below
    news(): Observable<MessageEvent> {
      return of({ data: 'booked' });
    }

    @above
    @ApiExcludeEndpoint()
    @Get('hidden/from/all')
    @below
    async hidden(): Promise<void> {}
  }
  return Bookings;
}

const nothing: MethodDecorator = () => {};
const prepare: Parameters<typeof serve>[1] = (app) => {
  app.setGlobalPrefix('api');
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
};

/** A running app, and what Swagger says of it, as it would be sent. */
async function documented(controller: Type, platform?: Platform) {
  const served = await serve(
    { imports: counting(), controllers: [controller] },
    prepare,
    platform,
  );
  const config = new DocumentBuilder().setTitle('Hotel').build();
  const made = SwaggerModule.createDocument(served.app, config);
  const document = JSON.parse(JSON.stringify(made)) as OpenAPIObject;
  return { ...served, document };
}

describe.each(platforms)(
  'A document of protected routes on $platform',
  (platform) => {
    it.each<[string, MethodDecorator, MethodDecorator]>([
      ['above', FaultTolerant('payments'), nothing],
      ['below', nothing, FaultTolerant('payments')],
    ])(
      'is that of the same routes without protection, with ours %s theirs',
      async (_, above, below) => {
        const plain = await documented(bookings(nothing, nothing), platform);
        const ours = await documented(bookings(above, below), platform);

        const answer = await ours.get('/api/v1/bookings/7?lang=en');

        expect(ours.document).toEqual(plain.document);
        expect(Object.keys(plain.document.paths)).toEqual([
          '/api/v1/bookings/{id}',
          '/api/v1/bookings',
          '/api/v2/bookings/all',
          '/api/v2/bookings/every',
          '/api/v1/bookings/news',
        ]);
        const { get } = ours.document.paths['/api/v1/bookings/{id}']!;
        expect(get).toMatchObject({
          operationId: expect.stringMatching(/^Bookings_one/) as string,
          parameters: [
            { name: 'id', schema: { type: 'number' } },
            { name: 'lang', schema: { type: 'string' } },
          ],
          responses: { 200: {}, 404: { description: 'No such booking' } },
        });
        expect(await answer.json()).toEqual({ seat: '7 en' });
        expect(tally(ours.app)).toEqual({ ...times(1), bodies: 0 });
      },
    );
  },
);

describe('A document of protected routes', () => {
  it('does not show the call that they are given', async () => {
    const plain = await documented(
      (() => {
        @Controller()
        class Rooms {
          @Post(':id')
          async book(
            @Param('id', ParseIntPipe) id: number,
            @Body() booking: Booking,
          ): Promise<string> {
            return `${id} ${booking.seat}`;
          }
        }
        return Rooms;
      })(),
    );
    const ours = await documented(
      (() => {
        @Controller()
        class Rooms {
          @Post(':id')
          @FaultTolerant('payments')
          async book(
            @DaceCall() call: Call = Call.injected,
            @Param('id', ParseIntPipe) id: number,
            @Body() booking: Booking,
          ): Promise<string> {
            return `${id} ${booking.seat} ${call.attempt}`;
          }
        }
        return Rooms;
      })(),
    );

    const answer = await ours.get('/api/v1/7', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"seat":"window"}',
    });

    expect(ours.document).toEqual(plain.document);
    expect(await answer.text()).toBe('7 window 1');
  });

  it('has the names of the methods for its operations', async () => {
    const { document } = await documented(
      bookings(FaultTolerant('payments'), nothing),
    );
    const names = Object.values(document.paths).flatMap(({ get, post }) =>
      [get, post].map((operation) => operation?.operationId),
    );

    expect(names.filter((name) => name !== undefined)).toEqual([
      'Bookings_one_v1',
      'Bookings_book_v1',
      'Bookings_all[0]_v2',
      'Bookings_all[1]_v2',
      'Bookings_news_v1',
    ]);
  });
});
