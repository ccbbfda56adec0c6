import { Module } from '@nestjs/common';
import { DaceModule } from 'nestjs-dace';
import { DaceHealthModule } from 'nestjs-dace/health';
import { AppController } from './app.controller';
import { AppService } from './app.service';
import { Ledger } from './ledger';

@Module({
  imports: [
    DaceModule.forRootAsync({
      dependencies: ['payments', 'ledger'],
      useFactory: () => ({
        payments: {
          hosts: [process.env.PAYMENTS_URL ?? 'http://127.0.0.1:8080'],
          timeoutMs: 2_000,
        },
        ledger: { timeoutMs: 300 },
      }),
    }),
    DaceHealthModule.forRoot({ path: 'health' }),
  ],
  controllers: [AppController],
  providers: [AppService, Ledger],
})
export class AppModule {}
