import { createServer, connect } from 'node:net';
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { startScriptedModel } from '/work/main/packages/testkit/src/index.ts';
const model=await startScriptedModel({apiKey:'canary-key-e2e-123456'});
const mport=Number(new URL(model.url).port);
const fw=createServer(c=>{const u=connect(mport,'127.0.0.1');c.pipe(u).pipe(c);u.on('error',()=>c.destroy());c.on('error',()=>u.destroy())});
await new Promise<void>(r=>fw.listen(0,'172.17.0.1',()=>r()));
const fport=(fw.address() as any).port;
const data=mkdtempSync('/tmp/e2e-data-');
const api=spawn(process.execPath,['/work/main/apps/api/src/main.ts'],{env:{...process.env,RUNTIME:'docker',PORT:'18999',DATA_DIR:data,ANTHROPIC_API_KEY:'canary-key-e2e-123456',ANTHROPIC_BASE_URL:`http://host.docker.internal:${fport}`,LOG_LEVEL:'info'},stdio:['ignore','pipe','inherit']});
api.stdout.on('data',d=>process.env.V&&process.stdout.write(d));
const base='http://127.0.0.1:18999/api';
const j=async(m:string,p:string,b?:object)=>{const r=await fetch(base+p,{method:m,headers:b?{'content-type':'application/json'}:{},body:b&&JSON.stringify(b)});const t=await r.text();return t?JSON.parse(t):{}};
for(;;){try{await fetch('http://127.0.0.1:18999/health');break}catch{await new Promise(r=>setTimeout(r,100))}}
const N=Number(process.argv[2]??2);
const mk=(n:string)=>({name:n,agents:[{name:'lead',role:'leader'},...Array.from({length:N-1},(_,i)=>({name:'w'+i}))]});
const until=async(id:string,st:string[])=>{for(let i=0;i<3000;i++){const t=await j('GET','/teams/'+id);if(st.includes(t.status))return t;await new Promise(r=>setTimeout(r,50))}throw new Error('timeout')};
const team=await j('POST','/teams',mk('e2e'+N));
for(let round=0;round<2;round++){
const a=performance.now(); await j('POST',`/teams/${team.id}/deploy`);
const t=await until(team.id,['running','error']); console.log('deploy',N,Math.round(performance.now()-a),'ms',t.status,t.status_message);
if(t.status==='running'){await j('POST',`/teams/${team.id}/chat`,{message:'!tool Bash {"command":"id; env; echo hello > /workspace/f; cat /workspace/f; touch /etc/x"}\nhello'});
 for(let i=0;i<600;i++){const ms=await j('GET',`/teams/${team.id}/messages`);const arr=ms.messages??ms;const r=(Array.isArray(arr)?arr:[]).filter((m:any)=>m.message_type==='leader_response');if(r.length>round){console.log('reply after',Math.round(performance.now()-a),JSON.stringify(r[0].payload).slice(0,600));break}await new Promise(r=>setTimeout(r,100))}
 const tool=JSON.stringify(model.requests.at(-1)); console.log('canary in last model request body:',JSON.stringify((model.requests.at(-1) as any).body??'').includes('canary')); const m=/uid=[^"]{0,1500}/.exec(tool); console.log(m?.[0]);
 if(round===0&&process.env.HOLD){console.log('holding');await new Promise(r=>setTimeout(r,Number(process.env.HOLD)))}
}
const s=performance.now(); await j('POST',`/teams/${team.id}/stop`); await until(team.id,['stopped','error']); console.log('stop',Math.round(performance.now()-s));
}
await fetch(base+'/teams/'+team.id,{method:'DELETE'});
api.kill('SIGTERM'); await new Promise(r=>api.once('exit',r)); fw.close(); await model[Symbol.asyncDispose](); process.exit(0);
