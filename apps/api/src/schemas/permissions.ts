import { permissionsSchema } from '@agentcrew/permissions';
import { z } from 'zod';

/** Permissions as clients write them; those with an unknown field are refused, lest a misspelled list is no limit. */
export const newPermissionsSchema = z.strictObject(permissionsSchema.shape).meta({ id: 'NewPermissions' });
