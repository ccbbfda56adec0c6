import { Controller, Get } from '@nestjs/common';
import { type Report, ReportsService } from './reports.service.js';

@Controller('report')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  @Get()
  latest(): Promise<Report> {
    return this.reports.latest();
  }

  @Get('strict')
  strict(): Promise<Report> {
    return this.reports.strict();
  }
}
