/**
 * Apps that answer GraphQL over Apollo, on both platforms.
 */
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule } from '@nestjs/graphql';
import { serve, type Platform } from './nest-app.js';

export interface GraphQlAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly data: any;
  readonly errors?: readonly any[];
}

/** An app with resolvers, and somebody who asks. Stacks are shown, as in development. */
export async function serveGraphQl(
  { imports = [], ...metadata }: ModuleMetadata,
  platform: Platform,
  options: Partial<ApolloDriverConfig> = {},
  prepare?: (app: INestApplication) => unknown,
) {
  const served = await serve(
    {
      imports: [
        ...imports,
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          autoSchemaFile: true,
          playground: false,
          includeStacktraceInErrorResponses: true,
          ...options,
        }),
      ],
      ...metadata,
    },
    (app) => prepare?.(app as INestApplication),
    platform,
  );
  const ask = async (
    query: string,
    init: RequestInit = {},
  ): Promise<GraphQlAnswer> => {
    const response = await served.get('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
      ...init,
    });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      ...((await response.json()) as Pick<GraphQlAnswer, 'data' | 'errors'>),
    };
  };
  return { ...served, ask };
}
