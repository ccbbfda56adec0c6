import { Controller, Get, Param } from '@nestjs/common';
import { type Balance, BalancesService } from './balances.service.js';

@Controller('balance')
export class BalancesController {
  constructor(private readonly balances: BalancesService) {}

  @Get(':account')
  balance(@Param('account') account: string): Promise<Balance> {
    return this.balances.balance(account);
  }
}
